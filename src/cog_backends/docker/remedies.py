"""What would make a Docker engine usable: one command for a shell, or where Docker says how to install it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cog_backends.docker.contexts import USUAL_SOCKET, endpoint
from cog_core.engine_advice import sudo
from cog_core.errors import BackendUnavailable
from cog_oci.proxies import is_loopback

if TYPE_CHECKING:
    from cog_core.settings import Settings

PAGE: Final = "https://docs.docker.com/engine/install/"
GROUP: Final = "usermod --append --groups docker $USER && newgrp docker"
_COLIMA: Final = "brew install colima docker && colima start"
_BY_SOCKET: Final = {
    "/.colima/": "colima start",
    "/.orbstack/": "orb start",
    "/.docker/desktop/": "systemctl --user start docker-desktop",
    "/run/user/": "systemctl --user start docker",
}
"""Whose socket it is tells what starts it."""
_NOWHERE: Final = ("its name is not known", "something else answers")


def remedy(reason: str, settings: Settings, *, root: Path = Path("/"), system: str = sys.platform) -> str | None:
    """Return what would make the engine of the user's environment usable; None where nobody knows.

    Args:
        reason: Why it is not, as :mod:`cog_backends.docker.client` says it.
        settings: Say which engine is meant, and where programs are.
        root: Where this machine's files are looked for.
        system: Of this machine, as :data:`sys.platform` has it.
    """
    if "paramiko" in reason:
        return "pip install paramiko"
    if "certificate" in reason:
        return "export DOCKER_CERT_PATH=/a/folder/of/yours"
    try:
        host = endpoint(settings).host
    except BackendUnavailable:
        return _elsewhere(settings)
    if not host.startswith("unix://"):
        nowhere = any(sign in reason for sign in _NOWHERE) or is_loopback(urlsplit(host).hostname or "")
        return _elsewhere(settings) if nowhere else _by_ssh(host)
    if "may not open" in reason:
        return f"{sudo()}{GROUP}"
    return _start(host.removeprefix("unix://"), settings, root, system)


def _elsewhere(settings: Settings) -> str:
    """Return what leads back to this machine's own engine."""
    chosen = (name for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if settings.environ.get(name))
    return next((f"unset {name}" for name in chosen), "docker context use default")


def _by_ssh(host: str) -> str:
    """Return what starts the engine of another machine."""
    place = urlsplit(host)
    user = f"{place.username}@" if place.username and place.scheme == "ssh" else ""
    port = ("-p", str(place.port)) if place.port and place.scheme == "ssh" else ()
    words = shlex.join(("ssh", *port, f"{user}{place.hostname}"))
    return f"{words} {'' if place.username == 'root' else 'sudo '}systemctl start docker"


def _start(socket: str, settings: Settings, root: Path, system: str) -> str:
    """Return what starts the engine of this machine, or what installs one."""
    if known := next((command for part, command in _BY_SOCKET.items() if part in socket), None):
        return known
    path = ":".join((settings.environ.get("PATH", ""), f"{root}/usr/sbin", f"{root}/usr/local/sbin"))
    if system == "darwin":
        return _on_a_mac(path, root)
    if shutil.which("dockerd", path=path) is None:
        return _install(path, root)
    return _serve(path, root) if socket == USUAL_SOCKET else _elsewhere(settings)


def _install(path: str, root: Path) -> str:
    if (root / "opt/docker-desktop").is_dir():
        return _BY_SOCKET["/.docker/desktop/"]
    return f"{sudo()}apt-get install docker.io" if shutil.which("apt-get", path=path) else PAGE


def _serve(path: str, root: Path) -> str:
    if (root / "run/systemd/system").is_dir():  # as sd_booted(3) looks for it
        return f"{sudo()}systemctl start docker"
    has_script = shutil.which("service", path=path) and (root / "etc/init.d/docker").exists()
    return f"{sudo()}service docker start" if has_script else f"{sudo()}sh -c 'dockerd &'"


def _on_a_mac(path: str, root: Path) -> str:
    if (root / "Applications/Docker.app").is_dir():
        return "open -a Docker"
    programs = {"colima": "colima start", "orb": "orb start", "brew": _COLIMA}
    return next((command for program, command in programs.items() if shutil.which(program, path=path)), PAGE)
