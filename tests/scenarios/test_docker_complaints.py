"""What an engine complains of is told with what to do next; each complaint here comes from a real engine."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.docker.plugin import cog_backends
from cog_core.errors import BackendError, BuildFailed
from cog_core.ir import ImageBase, Run, Write
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from tests.contract.small_base import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.backend import Probe
    from tests.engines.docker import DockerAccess
    from tests.engines.registry import RunningRegistry

pytestmark = [pytest.mark.slow, pytest.mark.engine("docker"), pytest.mark.usefixtures("docker_engine")]

(INFO,) = cog_backends()
_STEP = Write(path="/kit/a", content="a")


def test_an_engine_that_does_not_run_is_told_with_how_to_go_on(tmp_path: Path) -> None:
    probe = _probe(DOCKER_HOST=f"unix://{tmp_path}/docker.sock")

    assert (probe.usable, probe.reason) == (False, "no Docker engine answers: its socket is not there")
    assert probe.fix == "unset DOCKER_HOST"


def test_a_socket_that_may_not_be_opened_is_told_with_the_group() -> None:
    """As an ordinary user sees it who is not in the group ``docker``."""
    script = (
        "import os, docker.transport.unixconn, docker.api.client, cog_backends.docker.client;"
        "from cog_backends.docker.plugin import cog_backends; from cog_core.settings import Settings;"
        "(info,) = cog_backends(); backend = info.load(Settings.from_environ(dict(PATH='/bin', HOME='/')));"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); probe = backend.probe();"
        "print(probe.usable, probe.reason, probe.fix, sep='\\n')"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    usable, reason, fix = done.stdout.splitlines()
    assert (usable, reason) == ("False", "no Docker engine answers: you may not open its socket")
    assert fix == "sudo usermod --append --groups docker $USER && newgrp docker"


@pytest.mark.engine("registry")
def test_a_base_that_the_registry_does_not_have_is_told(kit: Kit, oci_registry: RunningRegistry) -> None:
    failed = _failed(kit, f"{oci_registry.address}/nobody/has:this")

    assert f"{oci_registry.address}/nobody/has:this cannot be had" in failed.message
    assert "name and tag" in (failed.hint or "")


def test_a_registry_that_is_not_there_is_told(kit: Kit) -> None:
    failed = _failed(kit, "registry.invalid/a/b:1")

    assert "registry.invalid/a/b:1 cannot be had" in failed.message
    assert "reach" in (failed.hint or "")


def test_a_registry_with_a_strange_certificate_is_told(kit: Kit, strange_registry: str) -> None:
    failed = _failed(kit, f"{strange_registry}/a/b:1")

    assert "certificate" in failed.message
    assert "certs.d" in (failed.hint or "")


def test_programs_of_another_platform_are_told(kit: Kit, tmp_path: Path) -> None:
    """Without emulators the engine can build for another platform as long as nothing is run."""
    foreign = make(tmp_path / "foreign", architecture=kit.other_platform.architecture)
    plan = kit.plan(Run(script="true"))
    base = ImageBase(reference=foreign.load("docker"))
    plan = attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=base), platform=kit.other_platform)
    try:
        kit.build_plan(plan)
    except BackendError as error:
        assert "platform" in (error.hint or "")  # noqa: PT017 - with emulators it works, and that is right too


@pytest.fixture
def kit(small_base_of_docker: str, tmp_path: Path) -> Kit:
    subject = Subject(info=INFO, base=ImageBase(reference=small_base_of_docker))
    backend = INFO.load(subject.settings)
    return Kit(
        subject=subject,
        backend=backend,
        probe=backend.probe(),
        folder=tmp_path,
        leftovers=frozenset,
        tag="cog-complaints",
    )


@pytest.fixture
def small_base_of_docker(docker_engine: DockerAccess, tmp_path: Path) -> str:
    return make(tmp_path / "base").load("docker")


@pytest.fixture
def strange_registry(certificates: Path) -> Iterator[str]:
    """Serve TLS on an address that Docker does not take for a registry without TLS, as it takes 127.0.0.1."""
    server = http.server.HTTPServer((_address(), 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server-cert.pem", certificates / "server-key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host, port = server.server_address[:2]
    yield f"{host}:{port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _address() -> str:
    """Return this machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine is in no network")
        address: str = probe.getsockname()[0]
        return address


def _failed(kit: Kit, base: str) -> BuildFailed:
    plan = kit.plan(_STEP)
    plan = attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=ImageBase(reference=base)))
    with pytest.raises(BuildFailed) as caught:
        kit.build_plan(plan)
    return caught.value


def _probe(**environ: str) -> Probe:
    settings = Settings.from_environ()
    return INFO.load(attrs.evolve(settings, environ={**settings.environ, **environ})).probe()
