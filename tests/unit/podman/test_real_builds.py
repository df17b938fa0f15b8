"""What the real buildah makes of labels, names, variables and rules."""

from __future__ import annotations

import json
import os
import shutil
from operator import itemgetter
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.podman.build import Builder
from cog_backends.podman.quick_look import quick_look
from cog_backends.podman.store import Images
from cog_backends.podman.tools import Tools, find_tools
from cog_core import process
from cog_core.backend import BuildRequest
from cog_core.context import BuildContext
from cog_core.context.ignore import IgnoreRules
from cog_core.events import ignore
from cog_core.ir import Copy, Env, ImageBase, ImageConfig, Stage, Workdir, Write
from cog_core.ir.plan import BuildPlan
from cog_core.settings import Settings
from cog_core.values import Platform
from cog_oci.layout import Layout
from cog_oci.tree import read_tree
from tests.unit.ir.projects import LARGE, NASTY
from tests.unit.ir.test_real_labels import ENVIRONMENT, FILES, LONG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.podman import PodmanAccess

pytestmark = pytest.mark.engine("podman")

# buildah takes what a pattern found for a pattern again: it cannot copy a single file with a bracket or a backslash.
SINGLE = tuple(name for name in FILES if not {"[", "\\"} & set(name))


@pytest.fixture(params=["named folders", "one folder"])
def images(request: pytest.FixtureRequest, podman_engine: PodmanAccess) -> Images:
    """Give the podman of this machine, also as one that takes no further folders."""
    settings = Settings.from_environ(os.environ)
    tools = find_tools(settings.environ, process.run)
    assert isinstance(tools, Tools)
    if request.param == "one folder":
        tools = attrs.evolve(tools, builder_version="1.25.0")
    return Images(tools, settings, process.run)


def test_the_quick_look_finds_what_podman_says_of_itself(podman_engine: PodmanAccess) -> None:
    environ = dict(os.environ)
    podman, buildah = (shutil.which(name) or "" for name in ("podman", "buildah"))
    command = process.Command(argv=(podman, "info", "--format", "json"), env=environ)
    host, store, version = itemgetter("host", "store", "version")(json.loads(process.run(command).check().stdout))

    found = quick_look(podman, buildah, environ, process.run, helpers=environ["PATH"], patience=20)

    assert found
    assert (found["host"]["os"], found["host"]["arch"]) == (host["os"], host["arch"])
    assert found["host"]["security"] == {name: host["security"][name] for name in ("rootless", "selinuxEnabled")}
    assert found["store"] == {"graphRoot": store["graphRoot"]}
    assert found["version"] == {"Version": version["Version"]}


def test_everything_arrives_as_it_was_meant(images: Images, tmp_path: Path) -> None:
    project, runtime = tmp_path / "project", tmp_path / "runtime"
    for name in (*FILES, "left out", "sub/.kept", "sub/left out"):
        file = project / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (project / "src" / "link").symlink_to("a b")
    (project / "src" / "tool").write_text("#!/bin/sh\n")
    (project / "src" / "tool").chmod(0o755)
    (runtime / "left out").mkdir(parents=True)
    (runtime / "left out" / "it").write_text("the rules of the project are not the runtime's")
    labels = {**NASTY, **LONG, "com.example.large": LARGE}
    plan = BuildPlan(
        stage=Stage(
            base=ImageBase(reference="scratch"),
            steps=(
                Copy(source="src", target="/files"),
                *(Copy(source=f"src/{name}", target=f"/each/{name}") for name in SINGLE[:3]),
                Copy(source=".", target="/runtime", context="runtime"),
                Write(path="/opt/made", content="made\n", mode=0o600),
                Env(variables=ENVIRONMENT),
                Workdir(path="/it's a $HOME"),
            ),
        ),
        config=ImageConfig(labels=tuple(labels.items()), cmd=("a b",)),
        platform=Platform.of_this_machine(),
        created=315_619_200,
    )
    rules = IgnoreRules(("**/left out",))
    contexts = {"project": BuildContext(project, rules), "runtime": BuildContext(runtime)}
    request = BuildRequest(plan=plan, contexts=contexts, outputs=())

    image_id = Builder(images).build(request, (), ignore)

    try:
        info = images.inspect(image_id)
        images.save_layout(image_id, tmp_path / "layout")
    finally:
        images.remove(image_id)
    assert info.labels == labels
    assert {"=".join(pair) for pair in ENVIRONMENT} <= set(info.config["Env"])
    assert info.config["WorkingDir"] == "/it's a $HOME"
    assert info.config["Cmd"] == ["a b"]
    layout = Layout.open(tmp_path / "layout")
    found = read_tree(layout, layout.image()).nodes
    assert {path.removeprefix("each/") for path in found if path.startswith("each/")} == set(SINGLE[:3])
    assert {path for path in found if "left out" in path} == {"runtime/left out", "runtime/left out/it"}
    assert {f"files/{name}" for name in FILES} <= set(found)
    assert found["files/link"].target == "a b"
    assert found["files/tool"].mode == 0o755
    assert "files/sub/.kept" in found
    assert found["opt/made"].mode == 0o600
    assert {(node.uid, node.gid, node.mtime) for node in found.values() if node.path.startswith("files/")} == {
        (0, 0, 315_619_200)
    }
    assert list((images.settings.cache / "tmp").iterdir()) == []
