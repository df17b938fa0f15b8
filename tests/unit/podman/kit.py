"""What the tests of the podman backend share: machines that were found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from cog_backends.podman.tools import Tools
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path

BUILDAH = Tools(
    podman="/usr/bin/podman",
    builder=("/usr/bin/buildah", "build"),
    version="4.3.1",
    builder_version="1.28.2",
    platform=Platform("linux", "amd64"),
    init=True,
)
REMOTE = attrs.evolve(BUILDAH, builder=("/usr/bin/podman", "build"), remote=True)
SELINUX = attrs.evolve(BUILDAH, selinux=True)

INFO = {
    "host": {
        "arch": "arm64",
        "os": "linux",
        "buildahVersion": "1.37.1",
        "serviceIsRemote": False,
        "security": {"rootless": True, "selinuxEnabled": True},
        "slirp4netns": {"executable": ""},
        "pasta": {"executable": "/usr/bin/pasta"},
    },
    "store": {"graphRoot": "/home/me/.local/share/containers/storage"},
    "version": {"Version": "5.2.1"},
}


def program(folder: Path, name: str, script: str) -> Path:
    """Write a program that stands for another one."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


def saying(info: object) -> str:
    """Return a script that answers every question with this."""
    return f"cat <<'END'\n{json.dumps(info)}\nEND"
