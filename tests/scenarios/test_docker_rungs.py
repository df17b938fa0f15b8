"""Docker in three ages: with buildx, with a client that has BuildKit built in, and with the classic builder alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("docker", "index")]


@pytest.fixture
def model(project: Path, docker_engine: object, python_base: Callable[[str], object], shared_cog_cache: Path) -> Path:
    python_base("3.11")
    return hello(project)


def test_the_classic_builder_serves_where_no_client_is(model: Path) -> None:
    """Nothing but our own program is on the path, so all goes over the engine's API."""
    builds_with("classic builder", model, PATH=str(Path(sys.executable).parent))


def test_an_older_client_has_buildkit_built_in(model: Path, docker_cli_debian: Path) -> None:
    builds_with("embedded BuildKit", model, PATH=f"{Path(sys.executable).parent}:{docker_cli_debian.parent}")


@pytest.mark.slow
@pytest.mark.engine("buildx")
def test_buildx_is_preferred(model: Path, docker_config_buildx: Path) -> None:
    builds_with("buildx", model)


def builds_with(rung: str, model: Path, **environ: str) -> None:
    cog = Program(model, ("--backend", "docker")).within(model, **environ)
    tag = f"cog-{model.name}"
    try:
        built = cog.well("build")
        assert rung in built.err
        labels = json.loads(cog.well("inspect", "--json", tag).out)["labels"]
        assert json.loads(labels["run.cog.openapi_schema"])["openapi"] == "3.0.2"
        assert cog.well("run", tag, "-i", "text=world").out.strip() == "hello world"
    finally:
        subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True, check=False)
