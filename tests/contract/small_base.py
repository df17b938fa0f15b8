"""A base image of a few megabytes: this machine's own shell and a handful of programs, with their libraries.

Engines save and load a whole image for each check, so a small one makes them ten times quicker.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_oci import canonical
from cog_oci.docker_archive import write_archive
from cog_oci.entries import Entry, Kind
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Layout
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("sh", "cat", "chmod", "cp", "id", "ls", "mkdir", "rm", "sha256sum", "sleep")
_IF_THERE = ("ssh-add",)
_NAME = "cog-contract-base"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LIBRARY = re.compile(r"(/\S+) \(0x")
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"


@attrs.frozen(kw_only=True)
class SmallBase:
    """The image on disk.

    Attributes:
        reference: Its name, which changes with its content.
        layout: An OCI layout that holds it alone.
        archive: The same as ``docker save`` writes it.
    """

    reference: str
    layout: Path
    archive: Path

    def load(self, client: str) -> str:
        """Put it into the store of ``docker`` or ``podman``, where it stays, and return its name there."""
        there = subprocess.run([client, "image", "inspect", self.reference], capture_output=True, check=False)
        if there.returncode:
            subprocess.run([client, "load", "--input", str(self.archive)], capture_output=True, check=True)
        return self.reference


def make(folder: Path, *, architecture: str | None = None, more: tuple[str, ...] = ()) -> SmallBase:
    """Make the image in a folder.

    Args:
        folder: Where it is put.
        architecture: What it pretends to be for; None: this machine's.
        more: Names of further programs.
    """
    layout = Layout.create(folder / "layout")
    layer = write_layer(layout, entries((*PROGRAMS, *more)))
    config = {
        "architecture": architecture or native(),
        "os": "linux",
        "created": "1980-01-02T00:00:00Z",
        "config": {"Env": ["PATH=/bin", "OF_THE_BASE=1"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest)]},
        "history": [{"created": "1980-01-02T00:00:00Z", "created_by": "programs of this machine"}],
    }
    reference = f"{_NAME}{architecture or ''}:{str(layer.digest).partition(':')[2][:12]}"
    image = write_image(layout, canonical.dump(config), [layer], name=reference)
    with (folder / "image.tar").open("wb") as file:
        write_archive(layout, image, file, names=[Reference.parse(reference)])
    return SmallBase(reference=reference, layout=layout.root, archive=folder / "image.tar")


def native() -> str:
    """Return this machine's architecture as images name it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def entries(programs: tuple[str, ...]) -> Iterator[Entry]:
    """Yield the files of an image: programs of this machine, their libraries, and what programs look for."""
    libraries: dict[str, Path] = {}
    for name in (*programs, *filter(shutil.which, _IF_THERE)):
        program = Path(shutil.which(name) or "")
        yield Entry(path=f"bin/{name}", mode=0o755, content=program.resolve())
        # It fails for programs that need no libraries.
        listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        libraries |= {path: Path(path).resolve() for path in _LIBRARY.findall(listed)}
    for path, file in libraries.items():
        yield Entry(path=path.strip("/"), mode=0o755, content=file)
    # What looks for an interpreter finds one; nobody starts it.
    yield Entry(path="usr/local/bin/python3.11", mode=0o755, content=b"#!/bin/sh\nexit 1\n")
    yield Entry(path="etc/passwd", content=_PASSWD)
    yield Entry(path="etc/group", content=b"root:x:0:\nnobody:x:65534:\n")
    yield Entry(path="tmp", kind=Kind.FOLDER, mode=0o1777)
