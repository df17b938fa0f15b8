"""A Docker engine that an ordinary user runs, for test runs that are root themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.engines import apt
from tests.engines.daemon import Daemon
from tests.engines.docker import Docker
from tests.engines.rootless import Rootless

if TYPE_CHECKING:
    from tests.engines.machine import Machine

_PROGRAMS: Final = ("dockerd", "rootlesskit", "newuidmap", "slirp4netns", "setpriv")
_PACKAGES: Final = ("rootlesskit", "uidmap", "slirp4netns", "util-linux", "iproute2")
_SCRIPT: Final = "/usr/share/docker.io/contrib/dockerd-rootless.sh"
_TUNNELS: Final = Path("/dev/net/tun")


class DockerRootless(Docker):
    """Debian's engine below ``rootlesskit``, as the user that rootless podman has, on that user's usual socket.

    Attributes:
        owner: The user.
    """

    name = "docker-rootless"
    how = "install docker.io, rootlesskit, uidmap and slirp4netns, and start a user's own dockerd"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.owner = Rootless(machine)
        self.foreign = False
        self._daemon = Daemon(machine, "dockerd-rootless")

    def present(self) -> bool:
        return self.owner.user() is not None and all(map(self._which, _PROGRAMS)) and Path(_SCRIPT).exists()

    def why_not(self) -> str | None:
        if os.geteuid():
            return "an ordinary user's engine is started by root only"
        if self.owner.user() is None:
            return "there is no ordinary user with subordinate ids"
        self.host = f"unix://{self.owner.environ()['XDG_RUNTIME_DIR']}/docker.sock"
        return super().why_not()

    def install(self) -> None:
        self.owner.make_user()
        super().install()
        apt.install(self.machine, *_PACKAGES)

    def start(self) -> None:
        # As on a usual machine, where everybody may make a network of their own.
        _TUNNELS.chmod(0o666)
        variables = (f"{name}={value}" for name, value in self.owner.variables().items())
        path = f"PATH={self.machine.environ.get('PATH', '')}:/usr/sbin:/sbin"
        self._daemon.start((*self.owner.argv(), "env", *variables, path, "sh", _SCRIPT), why_not=self.why_not)
