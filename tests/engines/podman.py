"""podman and buildah, without a daemon."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.engines.engine import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.engines.machine import Machine

_ANSWER = 60.0
_WANTED_FILES = 1_048_576  # podman asks for so many open files when it runs as root

# Where the hierarchy of control groups is not the unified one, crun refuses and runc works.
_SETTINGS = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
# An ordinary user has no control groups there, and perhaps no device to make networks with.
_ROOTLESS_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
{network}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_TUNNELS = Path("/dev/net/tun")


@attrs.frozen(kw_only=True)
class PodmanAccess:
    """How tests use podman and buildah.

    Attributes:
        environ: Variables that both need.
        version: podman's version, such as ``4.3.1``.
        rootless: Whether it runs without root.
    """

    environ: Mapping[str, str]
    version: str
    rootless: bool


class Podman(Tool):
    """podman and buildah as whoever runs the tests."""

    name = "podman"
    how = "install podman and buildah (Debian: apt-get install podman buildah runc netavark aardvark-dns)"
    programs = ("podman", "buildah")
    packages = ("podman", "buildah", "runc", "netavark", "aardvark-dns", "uidmap")

    def why_not(self) -> str | None:
        if reason := super().why_not():
            return reason
        done = self.machine.attempt(("podman", "info"), timeout=_ANSWER, environ=self.environ())
        return f"podman info: {done.stderr.strip()}" if done.returncode else None

    def environ(self) -> dict[str, str]:
        """Return the variables that podman needs to work here, in spite of the tests' isolation."""
        return {**_settings(self.machine), **_own_storage(self.machine)}

    def access(self) -> PodmanAccess:
        """Return how to use it; call when it is up."""
        said = self.machine.run(("podman", "--version"), environ=self.environ())
        return PodmanAccess(environ=self.environ(), version=said.split()[-1], rootless=os.geteuid() != 0)


def _settings(machine: Machine) -> dict[str, str]:
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    many_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= _WANTED_FILES
    if (unified and many_files) or not shutil.which("runc", path=machine.environ.get("PATH")):
        return {}
    settings = _SETTINGS
    if os.geteuid():
        settings = _ROOTLESS_SETTINGS.format(network="" if os.access(_TUNNELS, os.W_OK) else 'netns = "host"')
    file = machine.folder("podman") / "containers.conf"
    if not file.exists() or file.read_text(encoding="utf-8") != settings:
        file.write_text(settings, encoding="utf-8")
    return {"CONTAINERS_CONF": str(file)}


def _own_storage(machine: Machine) -> dict[str, str]:
    if os.geteuid() == 0:
        return {}
    home = Path(machine.environ.get("HOME", "~")).expanduser()
    usual = {
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}",
    }
    return {name: machine.environ.get(name, place) for name, place in usual.items()}
