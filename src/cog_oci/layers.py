"""Entries to a layer: a tar archive whose bytes depend on the entries and on nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci import tar_header
from cog_oci.arrange import arrange
from cog_oci.digest import CHUNK, Digest, HashingWriter, Writable
from cog_oci.entries import Entry, Kind, Slice
from cog_oci.errors import InvalidImage
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_END = bytes(2 * tar_header.BLOCK)


@attrs.frozen(kw_only=True)
class PackedLayer(Frozen):
    """What :func:`pack` wrote.

    Attributes:
        diff_id: Digest of the archive (OCI image specification, "Layer DiffID").
        size: Its bytes.
    """

    diff_id: Digest
    size: int


def pack(entries: Iterable[Entry], out: Writable, *, mtime: int) -> PackedLayer:
    """Write a layer.

    Equal entries give equal bytes in whatever order they come. Members are sorted by the bytes of their paths,
    folders that are missing are added, and hard links follow the file that they mean.

    Args:
        entries: Files, folders and links; content on disk is read now and never changed.
        out: Where the archive goes.
        mtime: Time of the folders that are added, in seconds since 1970.

    Raises:
        InvalidImage: Two entries have one path, an entry lies below a file, a hard link means nothing in this
            layer, or a file changed its size meanwhile.
    """
    with HashingWriter(out) as hashing:
        buffer = _Buffer(hashing)
        for entry in arrange(entries, mtime=mtime):
            size = entry.size
            buffer.write(tar_header.encode(entry, size))
            if entry.kind is Kind.FILE:
                _write_content(entry, size, buffer)
                buffer.write(tar_header.padding(size))
        buffer.write(_END)
        buffer.flush()
        return PackedLayer(diff_id=hashing.digest, size=hashing.size)


class _Buffer:
    """Collects small pieces, since headers and most files are much smaller than what is worth writing alone."""

    def __init__(self, out: HashingWriter) -> None:
        self._out = out
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= CHUNK:
            self.flush()

    def flush(self) -> None:
        self._out.write(b"".join(self._pieces))
        self._pieces.clear()
        self._size = 0


def _write_content(entry: Entry, size: int, buffer: _Buffer) -> None:
    match entry.content:
        case bytes():
            buffer.write(entry.content)
        case Slice():
            _copy(entry.content.path, entry.content.offset, size, buffer)
        case _:
            _copy(entry.content, 0, size, buffer)


def _copy(path: Path, offset: int, size: int, buffer: _Buffer) -> None:
    left = size
    with path.open("rb", buffering=0) as file:
        if offset:
            file.seek(offset)
        while left and (data := file.read(min(left, CHUNK))):
            buffer.write(data)
            left -= len(data)
    if left:
        raise InvalidImage(f"{path} became shorter while it was packed: {left} of {size} bytes are missing")
