"""What podman is like, without asking ``podman info``.

That one asks the package manager for the versions of its helpers, and takes a quarter of a second or more each time.
Where buildah is installed, both tell what matters in a fraction of it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cog_core.process import Command, together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.process import Runner

_SELINUX: Final = Path("/sys/fs/selinux/enforce")
"""There where SELinux runs (Linux, ``Documentation/admin-guide/LSM/SELinux``)."""
_NETWORKS: Final = ("slirp4netns", "pasta")


def quick_look(
    podman: str, buildah: str, environ: Mapping[str, str], run: Runner, *, helpers: str, patience: float
) -> dict[str, Any] | None:
    """Return the part of ``podman info`` that is used; None where only that command can tell, or say what is wrong.

    Args:
        podman: The program.
        buildah: The program; it has the same store.
        environ: Passed on to both.
        run: Starts programs.
        helpers: Search path of podman's helpers.
        patience: Seconds for an answer.

    Raises:
        ProcessTimeout: There is none in time.
    """
    questions = ((podman, "version", "--format", "json"), (buildah, "info"))
    versions, store = together(run, *(Command(argv=argv, env=environ, timeout=patience) for argv in questions))
    if versions.code or store.code:
        return None
    try:
        return _joined(json.loads(versions.stdout), json.loads(store.stdout), helpers)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _joined(versions: Mapping[str, Any], about: Mapping[str, Any], helpers: str) -> dict[str, Any] | None:
    if versions.get("Server"):
        return None  # it works in another machine, whose facts buildah does not know
    host = about["host"]
    networks = {name: {"executable": shutil.which(name, path=helpers)} for name in _NETWORKS}
    if host["rootless"] and not any(each["executable"] for each in networks.values()):
        return None
    return {
        "host": {
            "os": host["os"],
            "arch": host["arch"],
            "security": {"rootless": bool(host["rootless"]), "selinuxEnabled": _SELINUX.exists()},
            **networks,
        },
        "store": {"graphRoot": about["store"]["GraphRoot"]},
        "version": {"Version": versions["Client"]["Version"]},
    }
