"""Folders and links of a base stay as they are when a layer goes through them, as with every engine."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.oci.plugin import cog_backends
from cog_core.ir import Copy, ImageBase, Workdir, Write
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from cog_oci import canonical
from cog_oci.entries import Entry, Kind
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.ir import Step
    from cog_core.testing.contract.built import Built

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LIKE = {"tmp": (0o1777, 0, 0), "home/me": (0o700, 1000, 100), "usr/bin": (0o2775, 0, 50)}


def base(folder: Path) -> Path:
    """Write a base of two layers: folders that are not plain, and links to folders."""
    layout = Layout.create(folder)
    special = [
        Entry(path=path, kind=Kind.FOLDER, mode=mode, uid=uid, gid=gid) for path, (mode, uid, gid) in _LIKE.items()
    ]
    links = [("bin", "usr/bin"), ("var/tmp", "/tmp"), ("here", "/home/me")]
    upper = [Entry(path=path, kind=Kind.SYMLINK, mode=0o777, target=target) for path, target in links]
    upper += [Entry(path="usr/local/bin/python3.11", mode=0o755, content=b"#!/bin/sh\n")]
    layers = [write_layer(layout, special), write_layer(layout, upper)]
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
    }
    write_image(layout, canonical.dump(config), layers, name="base")
    return layout.root


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    (info,) = cog_backends()
    settings = attrs.evolve(Settings.from_environ(), cache=tmp_path / "cache")
    subject = Subject(info=info, base=ImageBase(reference=f"oci:{base(tmp_path / 'base')}"), settings=settings)
    backend = info.load(settings)
    return Kit(
        subject=subject, backend=backend, probe=backend.probe(), folder=tmp_path, leftovers=frozenset, tag="ground"
    )


def like(built: Built, path: str) -> tuple[int, int, int]:
    node = built.tree.nodes[path]
    return (node.mode, node.uid, node.gid)


STEPS = {
    "a file": [Write(path="/tmp/a", content="a"), Write(path="/home/me/a", content="a")],
    "a file deep below": [Write(path="/tmp/new/er/a", content="a"), Write(path="/home/me/x/a", content="a")],
    "a copied file": [Copy(source="one", target="/tmp/a"), Copy(source="one", target="/home/me/deep/a")],
    "a copied folder": [Copy(source="data", target="/tmp"), Copy(source="data", target="/home/me")],
    "the whole project": [Copy(target="/tmp"), Copy(target="/home/me/")],
    "a folder to work in": [Copy(target="/home/me"), Workdir(path="/home/me"), Write(path="/tmp/a", content="a")],
    "one after the other": [*(Write(path=f"/{path}/{n}", content=n) for path in _LIKE for n in "abc")],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_folders_of_the_base_keep_mode_and_owner(kit: Kit, steps: list[Step]) -> None:
    kit.put("one", "1")
    kit.put("data/two", "2")

    built = kit.build(*steps)

    assert {path: like(built, path) for path in _LIKE} == _LIKE
    assert {like(built, path) for path in ("home", "usr", "usr/local")} == {(0o755, 0, 0)}


def test_files_go_to_where_links_to_folders_lead(kit: Kit) -> None:
    kit.put("data/two", "2")

    built = kit.build(
        Write(path="/bin/tool", content="x", mode=0o755),
        Copy(source="data", target="/here"),
        Write(path="/var/tmp/deep/a", content="a"),
    )

    assert built.tree.read("usr/bin/tool", 9) == b"x"
    assert built.tree.read("home/me/two", 9) == b"2"
    assert built.tree.read("tmp/deep/a", 9) == b"a"
    assert {built.tree.nodes[name].target for name in ("bin", "here", "var/tmp")} == {"usr/bin", "/home/me", "/tmp"}
    assert {path: like(built, path) for path in _LIKE} == _LIKE


def test_what_a_step_makes_of_a_folder_stays_for_the_next(kit: Kit) -> None:
    """Below the root of a copy the project's folders count, and the project says nothing of theirs."""
    kit.put("all/tmp/one", "1")

    built = kit.build(Copy(source="all", target="/"), Write(path="/tmp/two", content="2"))

    assert like(built, "tmp") == (0o755, 0, 0)


def test_a_second_build_from_the_cache_gives_the_same_image(kit: Kit) -> None:
    steps = (Workdir(path="/here/deep"), Write(path="/tmp/a", content="a"), Write(path="/here/deep/b", content="b"))

    digests = {
        built.info.image_id for built in (kit.build(*steps), kit.build(*steps), kit.build(*steps, no_cache=True))
    }

    assert len(digests) == 1
