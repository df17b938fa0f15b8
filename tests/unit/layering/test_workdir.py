"""Folders to work in, as layers of our own bring them: what is below stays as it is."""

from __future__ import annotations

import pytest

from cog_core import step_files
from cog_core.errors import BackendError, Origin
from cog_core.ir import BuildPlan, Copy, ImageBase, ImageConfig, Stage, Workdir
from cog_core.values import Platform
from cog_oci.archive_reader import DEFAULT_LIMITS, MemberKind
from cog_oci.tree import Node, Tree

BASE = {
    node.path: node
    for node in (
        Node(path="", kind=MemberKind.FOLDER),
        Node(path="tmp", kind=MemberKind.FOLDER, mode=0o1777),
        Node(path="home", kind=MemberKind.FOLDER),
        Node(path="home/me", kind=MemberKind.FOLDER, mode=0o700, uid=1000, gid=1000),
        Node(path="data", kind=MemberKind.SYMLINK, target="/home/me/store"),
        Node(path="home/me/store", kind=MemberKind.FOLDER, uid=1000),
        Node(path="all", kind=MemberKind.SYMLINK, target="/"),
        Node(path="file", kind=MemberKind.FILE),
    )
}


def made(path: str) -> list[tuple[str, int, int, int]]:
    found = step_files.of_workdir(
        Workdir(path=path, origin=Origin(file="cog.yaml", line=3)),
        plan(),
        lambda: Tree(BASE, (), {}, DEFAULT_LIMITS),
        mtime=7,
    )
    assert {entry.mtime for entry in found} <= {7}
    return [(entry.path, entry.mode, entry.uid, entry.gid) for entry in found]


def plan(*steps: Copy | Workdir) -> BuildPlan:
    stage = Stage(base=ImageBase(reference="base"), steps=steps)
    return BuildPlan(stage=stage, config=ImageConfig(), platform=Platform())


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("/", []),
        ("/new/one", [("new", 0o755, 0, 0), ("new/one", 0o755, 0, 0)]),
        ("/tmp", [("tmp", 0o1777, 0, 0)]),
        ("/tmp/new/", [("tmp", 0o1777, 0, 0), ("tmp/new", 0o755, 0, 0)]),
        ("/home/me", [("home", 0o755, 0, 0), ("home/me", 0o700, 1000, 1000)]),
        (
            "/data/x",
            [
                ("home", 0o755, 0, 0),
                ("home/me", 0o700, 1000, 1000),
                ("home/me/store", 0o755, 1000, 0),
                ("home/me/store/x", 0o755, 0, 0),
            ],
        ),
        ("/all", []),
    ],
)
def test_folders_of_the_base_stay_as_they_are(path: str, folders: list[tuple[str, int, int, int]]) -> None:
    assert made(path) == folders


@pytest.mark.parametrize("path", ["/file", "/file/below"])
def test_a_file_in_the_way_is_an_error_with_the_line(path: str) -> None:
    with pytest.raises(BackendError, match="/file is no folder") as caught:
        made(path)

    assert caught.value.origin is not None


def test_a_folder_that_the_plan_fills_costs_no_look_at_the_base() -> None:
    step = Workdir(path="/src")

    (entry,) = step_files.of_workdir(step, plan(step, Copy(target="/src")), never, mtime=7)

    assert (entry.path, entry.mode) == ("src", 0o755)


def never() -> Tree:
    raise AssertionError("the base was read")
