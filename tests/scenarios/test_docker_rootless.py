"""An ordinary user has a Docker engine of their own, found by a context: nobody is root, and nothing is guessed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.bases import BaseImage
    from tests.engines.docker_rootless import DockerRootless

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.engine("docker-rootless", "index")]


@pytest.fixture
def home(docker_rootless: DockerRootless) -> Iterator[Path]:
    """Give a folder below the user's own."""
    folder = Path(tempfile.mkdtemp(prefix="story-", dir=docker_rootless.owner.environ()["HOME"]))
    yield folder
    shutil.rmtree(folder)


def test_a_user_s_own_engine_builds_and_runs_a_project(
    docker_rootless: DockerRootless, home: Path, python_base: Callable[[str], BaseImage], ca_bundle: Path | None
) -> None:
    python_base("3.11")
    owner, project = docker_rootless.owner, home / "model"
    project.mkdir()
    hello(project)
    settings = {"COG_CACHE_DIR": str(home / "cache"), **({"COG_CA_CERT": str(ca_bundle)} if ca_bundle else {})}
    # What root's build fetches for the runtime, the user need not fetch.
    Program(project, (), tuple(settings.items())).well("build", "--backend", "docker")
    subprocess.run(["chown", "-R", owner.environ()["USER"], home], check=True)
    own = {**owner.variables(), "PATH": os.environ["PATH"], "HOME": str(home), **settings}
    own |= {"COG_DISABLE_PLUGINS": "podman"}  # which would leave a process of its own when it is asked

    def as_user(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*owner.argv(), *argv), cwd=project, env=own, capture_output=True, text=True, check=False
        )

    cog = str(Path(sys.executable).with_name("cog"))
    if as_user(cog, "--version").returncode:
        pytest.skip("this Python is in a folder that other users may not read")
    made = as_user("docker", "context", "create", "rootless", "--docker", f"host={docker_rootless.host}")
    assert made.returncode == 0, made.stderr
    used = as_user("docker", "context", "use", "rootless")
    assert used.returncode == 0, used.stderr

    done = as_user(cog, "run", "--backend", "docker", "-i", "text=world")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello world\n"
    described = as_user(cog, "backends")
    assert docker_rootless.host in described.stdout + described.stderr
