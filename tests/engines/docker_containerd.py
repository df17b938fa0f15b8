"""A newer Docker engine, with containerd's image store: Debian's packages of its next release, unpacked aside."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final

from tests.engines import apt
from tests.engines.certificates import make as make_certificates
from tests.engines.daemon import Daemon
from tests.engines.debian import Debian
from tests.engines.docker import DockerAccess, server_version, why_no_answer
from tests.engines.engine import Engine
from tests.engines.machine import Broken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.machine import Machine

_SUITE: Final = "sid"
_PACKAGES: Final = ("docker.io", "docker-cli", "docker-buildx", "containerd")
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FETCHING: Final = 600.0
_BRIDGE: Final = "cog-tests0"
"""A bridge of its own: two engines that share one take it from each other."""
_ADDRESS: Final = "172.31.253.1/24"
_CONFIG: Final = {"features": {"containerd-snapshotter": True}}


class DockerContainerd(Engine):
    """An engine of ours on a socket in the cache folder, with its own files, client and buildx.

    The programs need this machine's C library to be new enough, which Debian 12's is for all but ``runc``.
    """

    name = "docker-containerd"
    how = f"unpack {', '.join(_PACKAGES)} of Debian {_SUITE}"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.home = machine.cache / self.name
        self.host = f"unix://{self.home}/docker.sock"
        self.certificates = self.home / "certificates"
        self._daemon = Daemon(machine, self.name)

    @property
    def remote_host(self) -> str:
        """Its second address, where it wants TLS from both sides, as an engine on another machine does."""
        return f"tcp://127.0.0.1:{(self.home / 'port').read_text('ascii')}"

    @property
    def programs(self) -> Path:
        """The folder with ``docker``, ``containerd`` and their like."""
        return self.home / "root/usr/bin"

    def present(self) -> bool:
        return (self.home / "root/usr/sbin/dockerd").exists()

    def why_not(self) -> str | None:
        return why_no_answer(self.machine, self.host)

    def install(self) -> None:
        apt.install(self.machine, "runc", "iptables", "iproute2")
        mirror = Debian(self.machine).mirror()
        if mirror is None:
            raise Broken(f"no Debian mirror to fetch a newer Docker from: {Debian(self.machine).why_not()}")
        options = self._apt_options(mirror)
        self.machine.tell(f"fetching {', '.join(_PACKAGES)} of Debian {_SUITE}: 80 MB, once")
        self.machine.run(("apt-get", *options, "update"), timeout=_FETCHING)
        packages = self.machine.folder(f"{self.name}/packages")
        self.machine.run(("apt-get", *options, "download", *_PACKAGES), timeout=_FETCHING, cwd=packages)
        for package in packages.glob("*.deb"):
            self.machine.run(("dpkg", "-x", package, self.home / "unpacked"))
        (self.home / "unpacked").rename(self.home / "root")

    def start(self) -> None:
        config = self.home / "daemon.json"
        config.write_text(json.dumps(_CONFIG), encoding="utf-8")
        self._make_bridge()
        if self.why_not() is not None:
            make_certificates(self.machine, self.certificates)
            (self.home / "port").write_text(str(_free_port()), "ascii")
        files = (f"--{kind}-root={self.home}/{kind}" for kind in ("data", "exec"))
        argv = (
            *("env", f"PATH={self._path()}", str(self.home / "root/usr/sbin/dockerd")),
            *(f"--config-file={config}", f"--pidfile={self.home}/pid", f"--host={self.host}", f"--bridge={_BRIDGE}"),
            *(f"--host={self.remote_host}", "--tlsverify", f"--tlscacert={self.certificates}/ca.pem"),
            *(f"--tls{kind}={self.certificates}/server-{kind}.pem" for kind in ("cert", "key")),
            *files,
        )
        self._daemon.start(argv, why_not=self.why_not)

    def stop(self) -> None:
        self._daemon.stop()
        if self.why_not() is not None:
            self.machine.attempt(("ip", "link", "delete", _BRIDGE))

    def access(self) -> DockerAccess:
        """Return how to reach it; call when it is up."""
        said = server_version(self.machine, self.host)
        return DockerAccess(
            host=self.host,
            environ={"DOCKER_HOST": self.host, "PATH": self._path()},
            version=said["Version"],
            api_version=said.get("ApiVersion", ""),
            cli=self.programs / "docker",
        )

    def config_folder(self, folder: Path) -> Path:
        """Make a folder for ``DOCKER_CONFIG`` in which the engine's own client finds its buildx."""
        (folder / "cli-plugins").mkdir(parents=True)
        plugin = self.home / "root/usr/libexec/docker/cli-plugins/docker-buildx"
        (folder / "cli-plugins/docker-buildx").symlink_to(plugin)
        return folder

    def _path(self) -> str:
        return f"{self.programs}:{self.home}/root/usr/sbin:{self.machine.environ.get('PATH', '')}:/usr/sbin:/sbin"

    def _make_bridge(self) -> None:
        if self.machine.attempt(("ip", "link", "add", _BRIDGE, "type", "bridge")).returncode == 0:
            self.machine.run(("ip", "address", "add", _ADDRESS, "dev", _BRIDGE))
        self.machine.run(("ip", "link", "set", _BRIDGE, "up"))

    def _apt_options(self, mirror: str) -> tuple[str, ...]:
        """Return options that make apt use lists of its own, so that nothing of this machine's changes."""
        folder = self.machine.folder(f"{self.name}/apt")
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {_SUITE} main\n", encoding="utf-8")
        values = {
            "Dir::State": folder,
            "Dir::State::status": "/dev/null",
            "Dir::Cache": folder,
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "/dev/null",
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",
            "APT::Sandbox::User": "root",
        }
        return tuple(word for name, value in values.items() for word in ("-o", f"{name}={value}"))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
