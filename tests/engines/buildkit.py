"""A BuildKit daemon without Docker, compiled where no package brings it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.engines import apt
from tests.engines.daemon import Daemon
from tests.engines.engine import Engine
from tests.engines.gomodule import GoProgram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.engines.machine import Machine

_PROGRAM = GoProgram(module="github.com/moby/buildkit", version="v0.25.1", commands=("buildkitd", "buildctl"))
_ANSWER = 20.0


@attrs.frozen(kw_only=True)
class BuildkitAccess:
    """How tests reach the daemon.

    Attributes:
        host: Its address.
        environ: ``BUILDKIT_HOST``, and a ``PATH`` on which ``buildctl`` is found.
        buildctl: The client.
    """

    host: str
    environ: Mapping[str, str]
    buildctl: Path


class Buildkit(Engine):
    """The daemon that ``BUILDKIT_HOST`` names, else one of ours as root on a socket in the cache folder."""

    name = "buildkit"
    how = "install BuildKit's buildctl, start buildkitd, and set BUILDKIT_HOST"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._home = machine.cache / "buildkit"
        self._foreign = machine.environ.get("BUILDKIT_HOST")
        self.host = self._foreign or f"unix://{self._home}/buildkitd.sock"
        self._daemon = Daemon(machine, "buildkitd")

    def present(self) -> bool:
        return bool(self._which("buildctl") and (self._foreign or (self._which("buildkitd") and self._which("runc"))))

    def why_not(self) -> str | None:
        buildctl = self._which("buildctl")
        if buildctl is None:
            return "not installed: buildctl"
        done = self.machine.attempt((buildctl, "--addr", self.host, "debug", "workers"), timeout=_ANSWER)
        reason = done.stderr.strip(' \n"').rpartition(": ")[2]
        return f"no buildkitd answers at {self.host}: {reason}" if done.returncode else None

    def install(self) -> None:
        if self._which("runc") is None:
            apt.install(self.machine, "runc")
        if self._which("buildctl") is None or self._which("buildkitd") is None:
            _PROGRAM.compile(self.machine)

    def start(self) -> None:
        if self._foreign:
            return
        self._home.mkdir(parents=True, exist_ok=True)
        workers = ("--oci-worker=true", "--containerd-worker=false")
        argv = (
            self._which("buildkitd") or "buildkitd",
            "--root",
            f"{self._home}/root",
            "--addr",
            self.host,
            *workers,
        )
        self._daemon.start(argv, why_not=self.why_not)

    def stop(self) -> None:
        self._daemon.stop()

    def access(self) -> BuildkitAccess:
        """Return how to reach it; call when it is up."""
        buildctl = Path(self._which("buildctl") or "buildctl")
        path = f"{buildctl.parent}:{self.machine.environ.get('PATH', '')}"
        return BuildkitAccess(host=self.host, environ={"BUILDKIT_HOST": self.host, "PATH": path}, buildctl=buildctl)

    def _which(self, program: str) -> str | None:
        own = _PROGRAM.folder(self.machine)
        return shutil.which(program, path=f"{self.machine.environ.get('PATH', '')}:{own}:/usr/sbin:/sbin")
