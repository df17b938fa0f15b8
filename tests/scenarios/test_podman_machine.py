"""podman in another machine, as on a Mac: it sees none of our files but those that it has itself."""

from __future__ import annotations

import getpass
import subprocess
from typing import TYPE_CHECKING

import pytest

from cog_backends.podman.backend import PodmanBackend
from cog_core.settings import Settings
from tests.engines import sshd
from tests.scenarios.conftest import hello
from tests.scenarios.test_buildkit_server import free_port
from tests.scenarios.test_remote_docker import runs_and_serves
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engines.podman import PodmanAccess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def cog(python_base: Callable[[str], object], ca_bundle: Path | None, project: Path) -> Iterator[Program]:
    python_base("3.11")
    certificates = (("COG_CA_CERT", str(ca_bundle)),) if ca_bundle else ()
    yield Program(hello(project), ("--backend", "podman"), certificates)
    for name in (f"cog-{project.name}", f"cog-{project.name}-base"):
        subprocess.run(["podman", "image", "rm", "--force", name], capture_output=True, check=False)


@pytest.mark.engine("podman-machine", "index")
@pytest.mark.usefixtures("podman_machine_engine")
class TestPodmanMachine:
    """The newest one."""

    def test_a_project_is_built_run_and_served(self, cog: Program) -> None:
        built = cog.well("build")
        assert "in another machine" in built.err

        runs_and_serves(cog)


@pytest.mark.engine("podman-machine-old", "index")
@pytest.mark.usefixtures("podman_machine_old_engine")
class TestOldPodmanMachine(TestPodmanMachine):
    """One that sends no folder but one."""


@pytest.mark.engine("podman-machine", "sshd")
def test_a_connection_by_ssh_leads_there(
    podman_machine_engine: PodmanAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``podman machine`` makes it; no other podman is taken when it does not answer."""
    socket = podman_machine_engine.environ["CONTAINER_HOST"].removeprefix("unix://")
    monkeypatch.delenv("CONTAINER_HOST")
    (tmp_path / "ssh").mkdir()
    port = free_port()
    with sshd.serve(tmp_path / "ssh", port):
        place = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{socket}"
        add = ("podman", "system", "connection", "add", "--identity", tmp_path / "ssh" / "user", "far", place)
        subprocess.run(add, check=True, capture_output=True)
        monkeypatch.setenv("CONTAINER_CONNECTION", "far")

        probe = PodmanBackend(Settings.from_environ()).probe()
    assert probe.usable, probe.reason
    assert "in another machine" in probe.reason

    gone = PodmanBackend(Settings.from_environ()).probe()
    assert not gone.usable
    assert (gone.reason.partition(":")[0], gone.fix) == ("podman's machine does not answer", "podman machine start")
