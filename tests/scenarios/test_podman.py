"""podman and buildah do what Docker does: build, run, serve, push, export; and they clean up after themselves."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

import cog_core
from cog_core.backend import ToLayout
from cog_core.errors import BuildFailed
from cog_core.events import StepStarted
from cog_oci.layout import Layout
from tests.scenarios.conftest import PODMAN, example, hello
from tests.scenarios.test_first_model import PICTURE, ask
from tests.scenarios.test_interrupted import PATIENT, SLOW, containers, leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.registry import RunningRegistry
    from tests.support.program import Program

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.engine("podman", "index"),
    pytest.mark.parametrize("backend", [PODMAN], indirect=True),
]

SECRET = "correct-horse-battery-staple"
WITH_SECRET = """\
build:
  python_version: "3.11"
  run:
    - command: sha256sum /run/secrets/token
      mounts:
        - {type: secret, id: token, target: /run/secrets/token}
run: "run.py:Runner"
"""
BROKEN = """\
build:
  python_version: "3.11"
  run:
    - echo fine
    - |
      echo "the cake is a lie"
      echo "and so is the pie" >&2
      exit 7
run: "run.py:Runner"
"""


def test_a_model_with_packages_is_built_queried_and_served(cog: Program, project: Path) -> None:
    example("digits", project)
    tag = f"cog-{project.name}"

    built = cog.well("build")
    assert f"Image built as {tag}" in built.err
    seen = json.loads(cog.well("inspect", "--json", tag).out)
    assert seen["labels"]["run.cog.has_init"] == "true"
    assert "io.buildah.version" not in seen["labels"]

    ran = cog.well("run", "-i", f"image=@{PICTURE}")
    assert "7" in ran.out
    with cog.start("serve", "--port", "0") as server:
        address = server.wait_for("Serving at").split("Serving at ")[1].split()[0]
        picture = "data:image/png;base64," + base64.b64encode(PICTURE.read_bytes()).decode()
        assert ask(address, {"image": picture})["status"] == "succeeded"
        assert server.end() == 0
    assert containers("podman", project) == []


def test_a_command_in_the_image_has_our_input_and_our_exit_status(cog: Program, project: Path) -> None:
    hello(project)

    done = cog("exec", "python", "-c", "import sys; print(input()[::-1]); sys.exit(3)", stdin="olleh\n")

    assert done.out.strip() == "hello"
    assert done.code == 3
    assert containers("podman", project) == []


def test_what_is_pushed_can_be_read_by_strangers(cog: Program, project: Path, oci_registry: RunningRegistry) -> None:
    hello(project)
    name = f"{oci_registry.address}/team/{project.name}:1"

    done = cog.well("push", name)

    command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"]
    seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert seen["Labels"]["run.cog.version"]
    assert seen["Digest"] in done.err
    podman("image", "rm", "--force", name)
    assert cog.well("run", name, "-i", "text=world").out.strip() == "hello world"
    podman("image", "rm", "--force", name)


def test_a_layout_is_readable_by_others_and_the_same_every_time(project: Path, backend: str, tmp_path: Path) -> None:
    hello(project)
    first, second = tmp_path / "first", tmp_path / "second"

    one = cog_core.build(project, backend=backend, outputs=[ToLayout(first)], no_cache=True)
    two = cog_core.build(project, backend=backend, outputs=[ToLayout(second)], no_cache=True)

    assert one.image_id == two.image_id
    assert manifest(first) == manifest(second)
    assert [str(layer.digest) for layer in Layout.open(first).image().manifest.layers] == [
        str(digest) for digest in Layout.open(first).image().diff_ids
    ]
    command = ["skopeo", "inspect", f"oci:{first}"]
    seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert seen["Labels"]["run.cog.version"]
    # The build's cache holds it without a name; `podman image prune` takes it.
    assert named(one.image_id) == ["<none>:<none>"]


def test_a_secret_is_seen_by_its_step_and_found_nowhere_after(
    cog: Program, project: Path, tmp_path: Path, shared_cog_cache: Path
) -> None:
    hello(project)
    (project / "cog.yaml").write_text(WITH_SECRET, "utf-8")
    file = tmp_path / "token"
    file.write_text(SECRET, "utf-8")
    layout = tmp_path / "layout"

    # A step that an earlier build left in the cache would say nothing.
    built = cog.well(
        "build", "--no-cache", "--secret", f"id=token,src={file}", "--output", f"oci:{layout}", "--progress", "plain"
    )  # fmt: skip

    kept = [path for path in layout.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []
    assert hashlib.sha256(SECRET.encode()).hexdigest() in built.err
    assert SECRET not in built.err
    assert leftovers(shared_cog_cache) == []


def test_a_step_that_fails_is_named_with_its_line_its_output_and_its_status(project: Path, backend: str) -> None:
    hello(project)
    (project / "cog.yaml").write_text(BROKEN, "utf-8")
    events: list[object] = []
    before = working_containers()

    with pytest.raises(BuildFailed) as caught:
        cog_core.build(project, backend=backend, on_event=events.append)

    error = caught.value
    assert error.exit_status == 7
    assert error.origin
    assert error.origin.line == 5
    # buildah hands the two streams over by two pipes, so that which line comes first is not known.
    assert sorted(error.output) == ["and so is the pie", "the cake is a lie"]
    started = [event for event in events if isinstance(event, StepStarted) and event.origin]
    assert started[-1].origin == error.origin
    assert working_containers() <= before


def test_a_base_that_cannot_be_had_is_named(cog: Program, project: Path) -> None:
    hello(project)

    done = cog("build", "--base-image", "registry.invalid/no/such:image")

    assert done.code == 5
    assert "the base image registry.invalid/no/such:image cannot be had" in done.err
    assert "--base-image" in done.err


def test_an_interrupted_build_leaves_nothing(cog: Program, project: Path, shared_cog_cache: Path) -> None:
    hello(project)
    (project / "cog.yaml").write_text(SLOW.replace("- echo", f"- echo {project.name}\n    - echo"), "utf-8")
    before = podman("images", "--all", "--quiet", "--no-trunc")
    others = working_containers()

    with cog.start("build", "--progress", "plain") as building:
        building.wait_for("waiting")
        code = building.end()

    assert code == 130
    assert leftovers(shared_cog_cache) == []
    assert working_containers() <= others
    assert set(podman("images", "--all", "--quiet", "--no-trunc").split()) <= set(before.split())
    assert "Traceback" not in "".join(building.lines)


def test_an_interrupted_prediction_leaves_no_container(cog: Program, project: Path, shared_cog_cache: Path) -> None:
    hello(project)
    model = (project / "run.py").read_text("utf-8")
    (project / "run.py").write_text(model.replace("        return", PATIENT), "utf-8")

    with cog.start("run", "-i", "text=world") as running:
        running.wait_for("thinking")
        code = running.end()

    assert code == 130
    assert leftovers(shared_cog_cache) == []
    assert containers("podman", project) == []


def manifest(layout: Path) -> str:
    return str(Layout.open(layout).image().descriptor.digest)


def podman(*words: str) -> str:
    return subprocess.run(["podman", *words], capture_output=True, text=True, check=False).stdout


def named(image_id: str) -> list[str]:
    rows = podman("images", "--no-trunc", "--format", "{{.Id}} {{.Repository}}:{{.Tag}}").splitlines()
    return [name for found, _, name in (row.partition(" ") for row in rows) if found == image_id.rpartition(":")[2]]


def working_containers() -> set[str]:
    done = subprocess.run(["buildah", "containers", "--quiet"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
