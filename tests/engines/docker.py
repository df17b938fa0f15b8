"""A Docker engine: the one that answers, else Debian's own, started as root."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from tests.engines import apt
from tests.engines.daemon import Daemon
from tests.engines.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.engines.machine import Machine

USUAL_HOST = "unix:///var/run/docker.sock"
_ANSWER = 10.0


@attrs.frozen(kw_only=True)
class DockerAccess:
    """How tests reach an engine.

    Attributes:
        host: Its address, as in ``DOCKER_HOST``.
        environ: Variables that its clients need; empty for an engine at the usual place.
        version: The server's version, such as ``20.10.24``.
        api_version: The newest version of the API that the server speaks.
        cli: The client that is found first; it may be newer than the server, and may lack buildx.
    """

    host: str
    environ: Mapping[str, str]
    version: str
    api_version: str
    cli: Path


class Docker(Engine):
    """The engine that the user's own clients would reach, or one of Debian's packages on the usual socket.

    Attributes:
        host: Its address.
        foreign: Whether somebody else answers for it, so that the tests never start it.
    """

    name = "docker"
    how = "install and start Docker (Debian: apt-get install docker.io iptables, then dockerd)"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.host = find_host(machine)
        self.foreign = self.host != USUAL_HOST
        self._daemon = Daemon(machine, "dockerd")

    def present(self) -> bool:
        return self.foreign or self.why_not() is None or self._which("dockerd") is not None

    def why_not(self) -> str | None:
        return why_no_answer(self.machine, self.host)

    def install(self) -> None:
        packages = ["docker.io", "iptables"]
        if apt.knows(self.machine, "docker-cli"):
            packages.append("docker-cli")  # a package of its own since Debian 13
        apt.install(self.machine, *packages)

    def start(self) -> None:
        if not self.foreign:
            self._daemon.start(self.command(), why_not=self.why_not)

    def command(self) -> tuple[str, ...]:
        """Return the daemon's command line."""
        return (self._which("dockerd") or "dockerd",)

    def stop(self) -> None:
        self._daemon.stop()

    def access(self) -> DockerAccess:
        """Return how to reach it; call when it is up."""
        said = server_version(self.machine, self.host)
        environ = {} if self.host == USUAL_HOST else {"DOCKER_HOST": self.host}
        carried = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")
        environ.update({name: self.machine.environ[name] for name in carried if name in self.machine.environ})
        return DockerAccess(
            host=self.host,
            environ=environ,
            version=said["Version"],
            api_version=said.get("ApiVersion", ""),
            cli=Path(self._which("docker") or "docker"),
        )

    def _which(self, program: str) -> str | None:
        path = f"{self.machine.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return shutil.which(program, path=path)


def find_host(machine: Machine) -> str:
    """Return the address that the user's own client would use: variable, context, usual socket."""
    if host := machine.environ.get("DOCKER_HOST"):
        return host
    asked = ("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    host = machine.attempt(asked, timeout=_ANSWER).stdout.strip()
    return host or USUAL_HOST


def why_no_answer(machine: Machine, host: str) -> str | None:
    """Say why the engine at an address cannot be used; None: it answers."""
    try:
        server_version(machine, host)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"no Docker engine answers at {host}: {error}"
    return None


def server_version(machine: Machine, host: str) -> dict[str, Any]:
    """Return what the server says at ``/version`` (Docker Engine API, "Get version").

    Raises:
        OSError: Nobody answers.
        ValueError: The answer is no version.
    """
    if not host.startswith("unix://"):
        argv = ("docker", "-H", host, "version", "--format", "{{json .Server}}")
        done = machine.attempt(argv, timeout=_ANSWER)
        if done.returncode:
            raise OSError(done.stderr.strip())
        said: dict[str, Any] = json.loads(done.stdout)
        return said
    said = _ask(host.removeprefix("unix://"), "/version")
    if "Version" not in said:
        raise ValueError(f"unexpected answer: {said}")
    return said


def _ask(path: str, url: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(_ANSWER)
        connection.sock.connect(path)
        connection.request("GET", url)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()
