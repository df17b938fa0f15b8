"""`cog build --load` puts what no engine built into Docker or podman, and leaves an engine's own where it is."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import PODMAN as BY_PODMAN
from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("index")]

ENVIRON: dict[str, dict[str, str]] = {"docker": {}, "podman": {"DOCKER_HOST": "unix:///nowhere/docker.sock"}}
"""What makes each of them the first that answers."""
DOCKER = pytest.param("docker", marks=[pytest.mark.engine("docker"), pytest.mark.slow])
PODMAN = pytest.param("podman", marks=pytest.mark.engine("podman"))


@pytest.fixture
def tag(project: Path) -> Iterator[str]:
    """Give a name for an image; whoever has it in the end loses it."""
    hello(project)
    name = f"cog-{project.name}"
    yield name
    for client in ("docker", "podman"):
        subprocess.run([client, "image", "rm", "--force", name], capture_output=True, check=False)


@pytest.mark.engine("debian")
@pytest.mark.parametrize("engine", [DOCKER, PODMAN])
@pytest.mark.usefixtures("shared_cog_cache")
def test_an_image_made_without_an_engine_runs_in_the_engine_that_is_there(
    request: pytest.FixtureRequest, project: Path, tag: str, engine: str
) -> None:
    request.getfixturevalue(f"{engine}_engine")
    cog = Program(project).within(project, **ENVIRON[engine])

    built = cog.well("build", "--backend", "oci", "--load")
    ran = cog.well("run", "--backend", engine, tag, "-i", "text=world")

    assert f"Loaded into {engine} as {tag}" in built.err
    assert ran.out.strip() == "hello world"


@pytest.mark.slow
@pytest.mark.engine("docker")
@pytest.mark.usefixtures("docker_engine")
@pytest.mark.parametrize("backend", [BY_PODMAN], indirect=True)
def test_what_podman_built_does_not_go_to_docker(project: Path, tag: str, backend: str) -> None:
    built = Program(project).well("build", "--backend", backend, "--load")

    assert "Loaded" not in built.err
    inspect = ["docker", "image", "inspect", tag]
    assert subprocess.run(inspect, capture_output=True, check=False).returncode
