"""A build context for those who cannot walk it themselves: as a tar stream, or as a folder of its own."""

from __future__ import annotations

import os
import shutil
import tarfile
from typing import TYPE_CHECKING, Final

from cog_core.context.scan import BuildContext, Entry, EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CHUNK: Final = 1 << 20
_FLAGS: Final = {
    EntryKind.FILE: tarfile.REGTYPE,
    EntryKind.FOLDER: tarfile.DIRTYPE,
    EntryKind.LINK: tarfile.SYMTYPE,
}


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
            yield _header(folder, mtime, mode=0o755, kind=tarfile.DIRTYPE)
        for entry in context.entries:
            yield from _member(context, entry, f"{folder}/{entry.path}" if folder else entry.path, mtime)
    yield bytes(2 * tarfile.BLOCKSIZE)


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


def _member(context: BuildContext, entry: Entry, name: str, mtime: int) -> Iterator[bytes]:
    yield _header(name, mtime, mode=entry.mode, size=entry.size, kind=_FLAGS[entry.kind], target=entry.target)
    if entry.kind is EntryKind.FILE:
        yield from _content(f"{context.root}/{entry.path}", entry.size)


def _content(path: str, size: int) -> Iterator[bytes]:
    """Yield exactly ``size`` bytes, even when the file changes meanwhile: the header is out already."""
    left = size
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - of many files, a Path takes longer than reading
        while left and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk
    while left:
        yield bytes(min(left, _CHUNK))
        left -= min(left, _CHUNK)
    yield _padding(size)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _header(
    name: str, mtime: int, *, mode: int, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = ""
) -> bytes:
    member = tarfile.TarInfo(name)
    member.mtime, member.mode, member.size, member.type, member.linkname = mtime, mode, size, kind, target
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
