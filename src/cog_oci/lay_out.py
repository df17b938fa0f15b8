"""Entries of a layer as files in a folder, for tools that make layers of folders."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from cog_oci.arrange import arrange
from cog_oci.entries import Entry, Kind, Slice
from cog_oci.tar_header import raw

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SECOND = 1_000_000_000


def lay_out(entries: Iterable[Entry], folder: Path, *, mtime: int) -> None:
    """Write entries below a new folder, with their modes and times; all belong to us.

    Content is copied, so that nothing that is done to the folder reaches the files it came from.

    Args:
        entries: Files, folders and links, in any order.
        folder: What to make; its parent must exist.
        mtime: Time of the folders that are added, in seconds since 1970.

    Raises:
        FileExistsError: The folder exists.
        InvalidImage: As :func:`cog_oci.layers.pack`.
    """
    folder.mkdir()
    arranged = arrange(entries, mtime=mtime)
    for entry in arranged:
        _write(entry, _place(folder, entry.path), folder)
    for entry in reversed(arranged):  # what is put into a folder changes its time, and needs its permissions
        if entry.kind is not Kind.HARDLINK:
            _finish(entry, _place(folder, entry.path))


def _place(folder: Path, path: str) -> Path:
    return folder / os.fsdecode(raw(path))


def _write(entry: Entry, place: Path, folder: Path) -> None:
    match entry.kind:
        case Kind.FOLDER:
            place.mkdir()
        case Kind.SYMLINK:
            place.symlink_to(entry.target)
        case Kind.HARDLINK:
            os.link(_place(folder, entry.target), place)
        case Kind.FILE:
            _write_content(entry, place)


def _finish(entry: Entry, place: Path) -> None:
    if entry.kind is not Kind.SYMLINK:
        place.chmod(entry.mode)
    time = entry.mtime * _SECOND
    os.utime(place, ns=(time, time), follow_symlinks=False)


def _write_content(entry: Entry, place: Path) -> None:
    match entry.content:
        case bytes():
            place.write_bytes(entry.content)
        case Slice(path=path, offset=offset, size=size):
            with path.open("rb") as source, place.open("wb") as target:
                source.seek(offset)
                while size and (chunk := source.read(min(size, 1 << 20))):
                    size -= target.write(chunk)
        case _:
            shutil.copyfile(entry.content, place)
