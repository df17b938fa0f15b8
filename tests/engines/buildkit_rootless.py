"""A BuildKit daemon that an ordinary user runs, for test runs that are root themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tests.engines import apt
from tests.engines.buildkit import Buildkit
from tests.engines.daemon import Daemon
from tests.engines.rootless import Rootless

if TYPE_CHECKING:
    from tests.engines.machine import Machine

_PROGRAMS: Final = ("rootlesskit", "newuidmap", "setpriv")
_PACKAGES: Final = ("rootlesskit", "uidmap", "util-linux")
_LISTED: Final = "unix://{runtime}/buildkit/buildkitd.sock"


class BuildkitRootless(Buildkit):
    """``buildkitd`` below ``rootlesskit``, as the user that rootless podman has, on that user's usual socket.

    It shares this machine's network: no user may make network devices where ``/dev/net/tun`` is root's.

    Attributes:
        owner: The user.
    """

    name = "buildkit-rootless"
    how = "install rootlesskit and uidmap, have a user cog-tests with subordinate ids, and start its buildkitd"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.owner = Rootless(machine)
        self._foreign = None
        self._daemon = Daemon(machine, "buildkitd-rootless")

    def present(self) -> bool:
        return super().present() and self.owner.user() is not None and all(map(self._which, _PROGRAMS))

    def why_not(self) -> str | None:
        if os.geteuid():
            return "an ordinary user's server is started by root only"
        if self.owner.user() is None:
            return "there is no ordinary user with subordinate ids"
        self.host = _LISTED.format(runtime=self.owner.environ()["XDG_RUNTIME_DIR"])
        return super().why_not()

    def install(self) -> None:
        self.owner.make_user()
        if not all(map(self._which, _PROGRAMS)):
            apt.install(self.machine, *_PACKAGES)
        super().install()

    def start(self) -> None:
        buildkitd = self._which("buildkitd") or "buildkitd"
        variables = (f"{name}={value}" for name, value in self.owner.variables().items())
        server = ("rootlesskit", "--net=host", buildkitd, "--oci-worker=true", "--containerd-worker=false")
        self._daemon.start((*self.owner.argv(), "env", *variables, *server), why_not=self.why_not)
