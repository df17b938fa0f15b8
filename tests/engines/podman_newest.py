"""The newest podman and buildah, compiled, with a store of their own beside the distribution's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.engines import apt
from tests.engines.gomodule import GoProgram
from tests.engines.podman import Podman

if TYPE_CHECKING:
    from pathlib import Path


_TAGS = ("containers_image_openpgp", "exclude_graphdriver_btrfs", "exclude_graphdriver_devicemapper", "seccomp")
_PROGRAMS = (
    GoProgram(module="github.com/containers/podman/v5", version="v5.8.1", commands=("podman",), tags=_TAGS, cgo=True),
    GoProgram(module="github.com/containers/buildah", version="v1.43.1", commands=("buildah",), tags=_TAGS, cgo=True),
)
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""


class PodmanNewest(Podman):
    """podman and buildah as root, from source; runtime and networks are the distribution's."""

    name = "podman-newest"
    how = "install podman and buildah (Debian: apt-get install podman buildah), and a Go tool chain and a C compiler"
    packages = (*Podman.packages, "gcc", "libc6-dev", "libseccomp-dev", "pkg-config")

    def present(self) -> bool:
        return super().present() and not self._uncompiled()

    def why_not(self) -> str | None:
        missing = self._uncompiled()
        return f"not compiled: {', '.join(missing)}" if missing else super().why_not()

    def install(self) -> None:
        apt.install(self.machine, *self.packages)
        for program in _PROGRAMS:
            if program.missing(self.machine):
                program.compile(self.machine)

    def environ(self) -> dict[str, str]:
        """Return the variables with which both are found, and keep to their own store."""
        folders = [str(program.folder(self.machine)) for program in _PROGRAMS]
        return {
            **super().environ(),
            "PATH": os.pathsep.join((*folders, self.machine.environ.get("PATH", os.defpath))),
            "CONTAINERS_STORAGE_CONF": str(storage_in(self.machine.folder("podman-newest"))),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
        }

    def _uncompiled(self) -> list[str]:
        return [name for program in _PROGRAMS for name in program.missing(self.machine)]


def storage_in(folder: Path) -> Path:
    """Write the settings of a store in a folder, and return their file."""
    file = folder / "storage.conf"
    file.write_text(_STORAGE.format(folder=folder), encoding="utf-8")
    return file
