"""An engine behind a secure shell: ``DOCKER_HOST=ssh://...``, with OpenSSH's own client and server."""

from __future__ import annotations

import getpass
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.engines import sshd
from tests.scenarios.conftest import hello
from tests.scenarios.test_buildkit_server import free_port
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.engine("docker", "index", "sshd"), pytest.mark.timeout(600)]


@pytest.fixture
def cog(
    docker_engine: object, python_base: Callable[[str], object], ca_bundle: Path | None, project: Path, tmp_path: Path
) -> Iterator[Program]:
    python_base("3.11")
    (tmp_path / "ssh").mkdir()
    port = free_port()
    with sshd.serve(tmp_path / "ssh", port) as programs:
        environ = {
            "DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
            "PATH": f"{programs}:{os.environ['PATH']}",
            **({"COG_CA_CERT": str(ca_bundle)} if ca_bundle else {}),
        }
        yield Program(hello(project), ("--backend", "docker"), tuple(environ.items()))
    names = [f"cog-{project.name}", f"cog-{project.name}-base"]
    subprocess.run(["docker", "image", "rm", "--force", *names], capture_output=True, check=False)


def test_a_project_is_built_and_run_through_a_secure_shell(cog: Program, shared_cog_cache: Path) -> None:
    built = cog.well("build")
    assert "ssh://" in built.err

    assert cog.well("run", "-i", "text=far").out.strip() == "hello far"
