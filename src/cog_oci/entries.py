"""What a layer consists of: files, folders and links with fixed owners, modes and times."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path


class Kind(str, Enum):
    """The kinds of entries that layers made here can hold (POSIX.1-2017 pax, "ustar Interchange Format")."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


@attrs.frozen(kw_only=True)
class Slice(Frozen):
    """A part of a file on disk, so that content need not be copied to be packed.

    Attributes:
        path: The file.
        offset: Where the part begins, in bytes.
        size: How long it is, in bytes.
    """

    path: Path
    offset: int
    size: int


Content: TypeAlias = "bytes | Path | Slice"


def _clean(_: object, __: attrs.Attribute[str], value: str) -> None:
    parts = value.split("/")
    if not value or value.startswith("/") or "\0" in value or not set(parts).isdisjoint({"", ".", ".."}):
        raise ValueError(f"not a clean relative path: {value!r}")


@attrs.frozen(kw_only=True)
class Entry(Frozen):
    """One member of a layer.

    Attributes:
        path: Relative to the image's root, ``/`` between parts, no leading or trailing ``/``. Bytes that are no
            UTF-8 are carried as surrogates.
        mode: Permission bits, setuid and friends included.
        content: What a file holds: bytes, a file on disk, or a part of one.
        target: What a symbolic link says, or the path of the entry that a hard link means.
        xattrs: Extended attributes, sorted by name.
    """

    path: str = attrs.field(validator=_clean)
    kind: Kind = Kind.FILE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: Content = attrs.field(default=b"", repr=False)
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of a file's content; 0 for everything else."""
        if self.kind is not Kind.FILE:
            return 0
        match self.content:
            case bytes():
                return len(self.content)
            case Slice():
                return self.content.size
            case _:
                return self.content.stat().st_size
