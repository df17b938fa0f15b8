"""A build context for those who cannot walk it themselves: as a tar stream, or as a folder of its own."""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cog_core.context.scan import BuildContext, EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CHUNK: Final = 1 << 20
_BLOCK: Final = 512
"""Everything in an archive is padded to this many bytes (POSIX.1-2017, pax, "ustar Interchange Format")."""
_LONGEST, _LARGEST = 100, 8**11
"""Bytes of a name that a header has room for, and the first number that it has none for: they take another one."""
_FLAGS: Final = {EntryKind.FILE: b"0", EntryKind.FOLDER: b"5", EntryKind.LINK: b"2"}


def tar_stream(
    contexts: Mapping[str, BuildContext], files: Mapping[str, tuple[bytes, int]], *, mtime: int
) -> Iterator[bytes]:
    """Yield one tar archive (POSIX pax) of several contexts, without ever holding a large file in memory.

    The pieces have about a megabyte, however small the files are: engines get each as a message of its own.

    Args:
        contexts: Contexts by the folder that they get in the archive; an empty name puts one at the root.
        files: Further files by path: content and mode.
        mtime: Time of every member, in seconds since 1970. Owners are root.
    """
    waiting: list[bytes] = []
    size = 0
    for piece in _pieces(contexts, files, mtime):
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    yield b"".join(waiting)


def _pieces(
    contexts: Mapping[str, BuildContext], files: Mapping[str, tuple[bytes, int]], mtime: int
) -> Iterator[bytes]:
    for path, (content, mode) in files.items():
        yield _header(path, mtime, mode=mode, size=len(content))
        yield content + _padding(len(content))
    for folder, context in contexts.items():
        if folder:
            yield _header(folder, mtime, mode=0o755, kind=EntryKind.FOLDER)
        root, above = f"{context.root}/", f"{folder}/" if folder else ""
        for entry in context.entries:
            yield _header(
                above + entry.path, mtime, mode=entry.mode, size=entry.size, kind=entry.kind, target=entry.target
            )
            if entry.kind is EntryKind.FILE:
                yield from _content(root + entry.path, entry.size)
    yield bytes(2 * _BLOCK)


def materialise(context: BuildContext, target: Path) -> None:
    """Make a folder that holds exactly the context: hard links where the file system allows, else copies.

    Raises:
        FileExistsError: The folder is there already.
    """
    target.mkdir(parents=True)
    for entry in context.entries:
        destination = target / entry.path
        destination.parent.mkdir(parents=True, exist_ok=True)
        match entry.kind:
            case EntryKind.FOLDER:
                destination.mkdir(exist_ok=True)
            case EntryKind.LINK:
                destination.symlink_to(entry.target)
            case EntryKind.FILE:
                _link_or_copy(context.path_of(entry), destination)


def _link_or_copy(source: Path, destination: Path) -> None:
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, destination)


def _content(path: str, size: int) -> Iterator[bytes]:
    """Yield exactly ``size`` bytes, even when the file changes meanwhile: the header is out already."""
    left = size
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # of many small files, a file object takes longer than reading
    try:
        while left and (chunk := os.read(file, min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk
    finally:
        os.close(file)
    while left:
        yield bytes(min(left, _CHUNK))
        left -= min(left, _CHUNK)
    yield _padding(size)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _header(
    name: str, mtime: int, *, mode: int, size: int = 0, kind: EntryKind = EntryKind.FILE, target: str = ""
) -> bytes:
    """Return what stands in front of a member: to the byte what :mod:`tarfile` writes, mostly sooner."""
    if target or not name.isascii() or not (0 <= size < _LARGEST and 0 <= mtime < _LARGEST):
        return _by_tarfile(name, mtime, mode=mode, size=size, kind=kind, target=target)
    raw = f"{name}/".encode() if kind is EntryKind.FOLDER and not name.endswith("/") else name.encode()
    if len(raw) > _LONGEST:
        return _by_tarfile(name, mtime, mode=mode, size=size, kind=kind)
    before, after, rest, total = _frame(mtime, mode, kind)
    length = b"%011o\0" % size
    checksum = b"%06o\0 " % (total + sum(raw) + sum(length))
    return b"".join((raw.ljust(_LONGEST, b"\0"), before, length, after, checksum, rest))


@lru_cache(maxsize=64)
def _frame(mtime: int, mode: int, kind: EntryKind) -> tuple[bytes, bytes, bytes, int]:
    """Return what stands around name, size and checksum of plain members, and the sum of its bytes.

    The checksum counts itself as eight blanks.
    """
    block = _by_tarfile("", mtime, mode=mode, kind=kind)[-_BLOCK:]
    before, after, rest = block[100:124], block[136:148], block[156:]
    return before, after, rest, sum(before) + sum(after) + sum(rest) + 8 * ord(" ")


def _by_tarfile(
    name: str, mtime: int, *, mode: int, size: int = 0, kind: EntryKind = EntryKind.FILE, target: str = ""
) -> bytes:
    import tarfile  # noqa: PLC0415 - slow to load, and most builds need no archive

    member = tarfile.TarInfo(name)
    member.mtime, member.mode, member.size, member.type, member.linkname = mtime, mode, size, _FLAGS[kind], target
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
