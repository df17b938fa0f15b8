"""What would make a BuildKit server usable: one command for a shell, where one is known."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cog_core.errors import BackendUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST: Final = "BUILDKIT_HOST"
"""Variable that ``buildctl`` reads too (moby/buildkit, README, "Expose BuildKit as a TCP service")."""
TLS_FOLDER: Final = "COG_BUILDKIT_TLS_DIR"
NAME_ONE: Final = f"export {HOST}=tcp://BUILDER:1234"

_RELEASE: Final = "v0.25.1"
_ARCHIVE: Final = (
    "https://github.com/moby/buildkit/releases/download/{version}/buildkit-{version}.linux-{architecture}.tar.gz"
)
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_IMAGE: Final = "docker.io/moby/buildkit"
_TLS: Final = ("server preface", "tls: ", "x509: ", "certificate")
"""Signs of a server that wants TLS, or other certificates."""
_MISSING: Final = re.compile(r"no such container|no container with name", re.IGNORECASE)
_STOPPED: Final = re.compile(r"is not running|state improper")


class NotUsable(BackendUnavailable):
    """There is no server to build on.

    Attributes:
        fix: The command that would change that, if one is known.
    """

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message, hint=f"Try `{fix}`." if fix else None)
        self.fix = fix


def install() -> str | None:
    """Return what puts ``buildctl`` here, and ``buildkitd`` where it runs."""
    if sys.platform == "darwin":
        return "brew install buildkit"
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return None
    archive = _ARCHIVE.format(version=_RELEASE, architecture=architecture)
    return f"curl -fsSL {archive} | {_sudo()}tar -xz -C /usr/local"


def start(environ: Mapping[str, str], address: str | None = None) -> str | None:
    """Return what starts a server on this machine, for this user to reach, and installs it before if need be.

    Args:
        environ: Says which programs are there.
        address: Such as ``unix:///run/buildkit/buildkitd.sock``, the socket that is usual for its user by default.
    """
    if not sys.platform.startswith("linux"):
        return NAME_ONE
    options = f" --addr {shlex.quote(address)}" if address else ""
    if _is_root():
        command = f"buildkitd{options} &"
    elif shutil.which("rootlesskit", path=environ.get("PATH")) and _is_own(address, environ):
        command = "rootlesskit buildkitd &"
    else:
        command = f"sudo --background buildkitd{options} --group $(id -g)"
    if shutil.which("buildkitd", path=environ.get("PATH")):
        return command
    first = install()
    return f"{first} && {command}" if first else None


def share(socket: str) -> str:
    """Return what lets this user open a socket."""
    return f"sudo chgrp $(id -g) {shlex.quote(socket)}"


def wants_certificates(address: str, said: str) -> bool:
    """Whether a server refused because of TLS; behind a tunnel the same words mean that the tunnel ended."""
    return address.startswith("tcp:") and any(sign in said for sign in _TLS)


def reach(address: str, said: str, environ: Mapping[str, str]) -> str | None:
    """Return what would let a server answer that was asked and did not.

    Args:
        address: Where it should be.
        said: What ``buildctl`` printed.
        environ: Says which programs are there.
    """
    place = urlsplit(address)
    if place.scheme == "unix":
        return share(place.path) if "permission denied" in said else start(environ, address)
    if place.scheme == "ssh":
        return _by_ssh(f"{place.username}@{place.hostname}" if place.username else place.hostname, place.port, said)
    if place.scheme in {"docker-container", "podman-container"}:
        return _in_container(place.scheme.partition("-")[0], place.netloc, said)
    if place.scheme == "kube-pod":
        return None
    return f"export {TLS_FOLDER}=/a/folder/of/yours" if wants_certificates(address, said) else NAME_ONE


def _by_ssh(target: str | None, port: int | None, said: str) -> str | None:
    where = shlex.join((*(("-p", str(port)) if port else ()), str(target)))
    if "Permission denied" in said:
        return f"ssh-copy-id {where}"
    return f"ssh {where}" if "Host key verification failed" in said else None


def _in_container(client: str, container: str, said: str) -> str | None:
    name = shlex.quote(container)
    if _MISSING.search(said):
        return f"{client} run --detach --privileged --name {name} {_IMAGE}"
    return f"{client} start {name}" if _STOPPED.search(said) else None


def _is_own(address: str | None, environ: Mapping[str, str]) -> bool:
    return address is None or address.startswith(f"unix://{environ.get('XDG_RUNTIME_DIR')}/buildkit/")


def _is_root() -> bool:
    return os.geteuid() == 0


def _sudo() -> str:
    return "" if _is_root() else "sudo "
