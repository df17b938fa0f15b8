"""A podman that works in another machine, as ``podman machine`` has it: its service, whose files are not ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tests.engines.daemon import Daemon
from tests.engines.podman import Podman
from tests.engines.podman_newest import PodmanNewest, storage_in

if TYPE_CHECKING:
    from tests.engines.machine import Machine

_SERVICE: Final = 'mount -t tmpfs tmpfs "$1" && shift && exec "$@"'
"""The folder for temporary files is another one there, so nothing of a test is seen by mistake."""


class PodmanMachine(PodmanNewest):
    """The newest podman, as a client of a service with a store of its own."""

    name = "podman-machine"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._home = machine.folder(self.name)
        self._daemon = Daemon(machine, self.name)

    @property
    def socket(self) -> str:
        """Where the service listens."""
        return f"{self._home}/podman.sock"

    def why_not(self) -> str | None:
        return "a service is started by root only" if os.geteuid() else super().why_not()

    def start(self) -> None:
        environ = {**self._programs(), "CONTAINERS_STORAGE_CONF": str(storage_in(self._home))}
        service = ("podman", "system", "service", "--time=0", f"unix://{self.socket}")
        private = ("unshare", "--mount", "sh", "-c", _SERVICE, "sh", "/tmp")
        argv = (*private, "env", *(f"{name}={value}" for name, value in environ.items()), *service)
        self._daemon.start(argv, why_not=self.why_not)

    def stop(self) -> None:
        self._daemon.stop()

    def environ(self) -> dict[str, str]:
        """Return the variables with which podman is a client of the service."""
        return {**self._programs(), "CONTAINER_HOST": f"unix://{self.socket}"}

    def _programs(self) -> dict[str, str]:
        return super().environ()


class OldPodmanMachine(PodmanMachine):
    """Debian's podman, as a client of a service of its own version."""

    name = "podman-machine-old"

    def _programs(self) -> dict[str, str]:
        return Podman.environ(self)
