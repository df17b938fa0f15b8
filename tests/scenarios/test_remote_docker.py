"""An engine on another machine, by TCP with TLS from both sides: it sees none of our files."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cog_backends.docker.backend import DockerBackend
from cog_core.settings import Settings
from tests.scenarios.conftest import hello
from tests.scenarios.test_first_model import ask
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engines.docker import DockerAccess

pytestmark = [pytest.mark.slow, pytest.mark.engine("docker-containerd", "index")]


@pytest.fixture
def cog(
    docker_remote_engine: DockerAccess, python_base: Callable[[str], object], ca_bundle: Path | None, project: Path
) -> Iterator[Program]:
    python_base("3.11")
    certificates = (("COG_CA_CERT", str(ca_bundle)),) if ca_bundle else ()
    yield Program(hello(project), ("--backend", "docker"), certificates)
    names = [f"cog-{project.name}", f"cog-{project.name}-base"]
    subprocess.run(["docker", "image", "rm", "--force", *names], capture_output=True, check=False)


@pytest.mark.timeout(600)
def test_a_project_is_built_run_and_served_on_a_remote_engine(cog: Program) -> None:
    built = cog.well("build")
    assert "Image built as" in built.err
    assert "tcp://127.0.0.1:" in built.err

    runs_and_serves(cog)


def runs_and_serves(cog: Program) -> None:
    """Run the project of a program, and serve it."""
    ran = cog.well("run", "-i", "text=far", "-i", "times=2")
    assert ran.out.strip() == "hello far hello far"

    with cog.start("serve", "--port", "0") as server:
        address = server.wait_for("Serving at").split("Serving at ")[1].split()[0]
        assert ask(address, {"text": "away"})["output"] == "hello away"
        assert server.end() == 0


def test_a_context_leads_to_the_remote_engine(
    docker_remote_engine: DockerAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = docker_remote_engine.environ["DOCKER_CERT_PATH"]
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name)
    files = f"ca={folder}/ca.pem,cert={folder}/cert.pem,key={folder}/key.pem"
    endpoint = f"host={docker_remote_engine.host},{files}"
    subprocess.run(["docker", "context", "create", "far", "--docker", endpoint], check=True, capture_output=True)
    monkeypatch.setenv("DOCKER_CONTEXT", "far")

    probe = DockerBackend(Settings.from_environ()).probe()

    assert probe.usable, probe.reason
    assert (probe.details["host"], probe.version) == (docker_remote_engine.host, docker_remote_engine.version)


def test_a_context_that_does_not_exist_is_told(
    docker_containerd_engine: DockerAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other engine is taken for it."""
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "far-away")

    probe = DockerBackend(Settings.from_environ()).probe()

    assert (probe.usable, probe.reason) == (False, "there is no Docker context 'far-away'")


def test_the_chosen_context_is_used_and_no_other_is_guessed(
    docker_remote_engine: DockerAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer is an error, although another engine would answer."""
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name)
    nowhere = "host=unix:///nonexistent/colima/docker.sock"
    subprocess.run(["docker", "context", "create", "colima", "--docker", nowhere], check=True, capture_output=True)
    subprocess.run(["docker", "context", "use", "colima"], check=True, capture_output=True)

    probe = DockerBackend(Settings.from_environ()).probe()

    assert not probe.usable
    assert "no Docker engine answers" in probe.reason


def test_certificates_that_the_engine_does_not_accept_are_told(
    docker_remote_engine: DockerAccess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificates = tmp_path / "certificates"
    shutil.copytree(docker_remote_engine.environ["DOCKER_CERT_PATH"], certificates)
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger")
    files = ("-keyout", certificates / "key.pem", "-out", certificates / "cert.pem")
    subprocess.run(["openssl", *words, *files], check=True, capture_output=True)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))

    probe = DockerBackend(Settings.from_environ()).probe()

    assert not probe.usable
    assert "certificate" in probe.reason
