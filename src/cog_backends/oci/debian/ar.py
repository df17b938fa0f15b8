"""The outer form of a Debian package: an ``ar`` archive of three members (deb(5))."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Final

import attrs

from cog_core.errors import BackendError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60
_MEMBERS: Final = 16
"""More members than any package has; Debian's have three."""


class BadPackage(BackendError):
    """A file that is no Debian package, or one that tries to leave its folder."""


@attrs.frozen
class ArMember(Frozen):
    """A part of an archive.

    Attributes:
        name: Without padding.
        offset: Where its content begins in the file.
        size: Bytes of its content.
    """

    name: str
    offset: int
    size: int


def read_ar(file: IO[bytes]) -> Iterator[ArMember]:
    """Yield the members of an archive that begins at the file's start.

    Raises:
        BadPackage: It is no such archive, or ends too early.
    """
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise BadPackage("not a Debian package: it does not begin as an ar archive")
    offset = len(_MAGIC)
    for _ in range(_MEMBERS):
        if offset >= length:
            return
        file.seek(offset)
        member = _member(file.read(_HEADER), offset + _HEADER)
        if member.offset + member.size > length:
            raise BadPackage(f"the package ends inside its member {member.name!r}")
        yield member
        offset = member.offset + member.size + member.size % 2
    raise BadPackage("not a Debian package: too many members")


def _member(header: bytes, offset: int) -> ArMember:
    size = header[48:58].rstrip(b" ")
    if len(header) != _HEADER or header[58:] != b"`\n" or not size.isdigit():
        raise BadPackage("not a Debian package: a member without a header")
    return ArMember(header[:16].decode("ascii", "replace").rstrip(" ").removesuffix("/"), offset, int(size))


class Window(io.RawIOBase):
    """A part of a file, seen as a file of its own that can only be read forwards."""

    def __init__(self, file: IO[bytes], member: ArMember) -> None:
        super().__init__()
        self._file = file
        self._position = member.offset
        self._left = member.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with the next bytes and return how many there were."""
        self._file.seek(self._position)
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._position += len(data)
        self._left -= len(data)
        return len(data)
