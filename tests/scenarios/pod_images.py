"""Images for pods, where no registry has them: what holds a pod together, and BuildKit's image for ordinary users."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cog_oci import canonical
from cog_oci.docker_archive import write_archive
from cog_oci.entries import Entry, Kind
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Layout
from cog_oci.reference import Reference
from tests.contract import small_base
from tests.engines.kubernetes import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDKIT: Final = "docker.io/moby/buildkit:rootless"
_USER: Final = 1000
_HOME: Final = "home/user"
_RUNTIME: Final = f"run/user/{_USER}"
_MAPPERS: Final = {"newuidmap": 7, "newgidmap": 6}
"""The programs that map ids, and the capability of each: CAP_SETUID, CAP_SETGID (capabilities(7))."""
_EFFECTIVE: Final = 0x02000001
"""VFS_CAP_REVISION_2 with VFS_CAP_FLAGS_EFFECTIVE (linux/capability.h)."""


def sandbox(folder: Path) -> Path:
    """Make an archive with the image that holds a pod's namespaces: it sleeps."""
    return _archive(folder, SANDBOX, small_base.entries(("sleep",)), {"Entrypoint": ["/bin/sleep", "infinity"]})


def rootless_buildkit(folder: Path) -> Path:
    """Make an archive with an image like ``moby/buildkit:rootless``, of the ``buildkitd`` that is here.

    User, folders, variables and entry point are those of that image; its programs come from this machine.
    """
    settings = {
        "User": f"{_USER}:{_USER}",
        "Env": [
            *("PATH=/bin", "USER=user", f"HOME=/{_HOME}", f"TMPDIR=/{_HOME}/.local/tmp"),
            *(f"XDG_RUNTIME_DIR=/{_RUNTIME}", f"BUILDKIT_HOST=unix:///{_RUNTIME}/buildkit/buildkitd.sock"),
        ],
        "Entrypoint": ["rootlesskit", "buildkitd"],
    }
    return _archive(folder, BUILDKIT, _rootless(), settings)


def _rootless() -> Iterator[Entry]:
    ours = {
        "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nuser:x:{_USER}:{_USER}::/{_HOME}:/bin/sh\n",
        "etc/group": f"root:x:0:\nuser:x:{_USER}:\n",
        "etc/subuid": "user:100000:65536\n",
        "etc/subgid": "user:100000:65536\n",
    }
    programs = ("buildkitd", "buildctl", "runc", "rootlesskit", "mount", "ip", "chown", *_MAPPERS)
    replaced = {*ours, *(f"bin/{name}" for name in _MAPPERS)}
    for entry in small_base.entries((*small_base.PROGRAMS, *programs)):
        if entry.path not in replaced:
            yield entry
    for path, text in ours.items():
        yield Entry(path=path, content=text.encode())
    for name, bit in _MAPPERS.items():
        allowed = ("security.capability", struct.pack("<5I", _EFFECTIVE, 1 << bit, 0, 0, 0))
        yield Entry(path=f"bin/{name}", mode=0o755, content=Path(shutil.which(name) or name), xattrs=(allowed,))
    for path in (_HOME, *(f"{_HOME}/.local{below}" for below in ("", "/tmp", "/share", "/share/buildkit")), _RUNTIME):
        yield Entry(path=path, kind=Kind.FOLDER, mode=0o700, uid=_USER, gid=_USER)


def _archive(folder: Path, name: str, entries: Iterator[Entry], settings: dict[str, Any]) -> Path:
    layout = Layout.create(folder / "layout")
    layer = write_layer(layout, entries)
    config = {
        "architecture": small_base.native(),
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest)]},
    }
    image = write_image(layout, canonical.dump(config), [layer], name=name)
    with (folder / "image.tar").open("wb") as file:
        write_archive(layout, image, file, names=[Reference.parse(name)])
    return folder / "image.tar"
