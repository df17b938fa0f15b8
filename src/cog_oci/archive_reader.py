"""Members of a tar archive that a stranger made, one after the other, with everything bounded.

Read are ustar, pax (POSIX.1-2017) and the GNU extensions for long names and large numbers; sparse files and
multi-volume archives, which no builder of images writes, are refused.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from cog_oci.digest import CHUNK
from cog_oci.errors import InvalidImage, UnsafeArchive
from cog_oci.frozen import Frozen
from cog_oci.tar_fields import Extra, Header, parse_block, parse_records
from cog_oci.tar_header import BLOCK, padding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_oci.digest import Readable


class MemberKind(str, Enum):
    """The kinds of members that archives of images hold; a device is anything that an ordinary user cannot make."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    DEVICE = "device"


@attrs.frozen(kw_only=True)
class Limits(Frozen):
    """How much an archive may ask for.

    Attributes:
        members: Number of headers; a member has one, or a few when its name is long.
        name: Characters of a path or of a link's target; Linux allows 4096 bytes.
        depth: Folders above a member.
        extra: Bytes of one pax header.
        total: Bytes of all contents together.
    """

    members: int = 4_000_000
    name: int = 4096
    depth: int = 200
    extra: int = 1 << 20
    total: int = 1 << 40


DEFAULT_LIMITS = Limits()
_OWNERS = (1 << 32) - 1
_LATEST = 1 << 40
_KINDS = {
    b"0": MemberKind.FILE,
    b"\0": MemberKind.FILE,
    b"7": MemberKind.FILE,
    b"1": MemberKind.HARDLINK,
    b"2": MemberKind.SYMLINK,
    b"3": MemberKind.DEVICE,
    b"4": MemberKind.DEVICE,
    b"5": MemberKind.FOLDER,
    b"6": MemberKind.DEVICE,
}


@attrs.frozen(kw_only=True)
class Member(Frozen):
    """One member of an archive.

    Attributes:
        path: Relative, without ``.``, ``..`` and doubled slashes; empty for the root itself.
        mode: Permission bits, setuid and friends included.
        mtime: Seconds since 1970.
        size: Bytes of a file's content.
        target: What a symbolic link says, or the path of the member that a hard link means.
    """

    path: str
    kind: MemberKind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    target: str = ""


class Content:
    """The bytes of one member; to be read before the next member is asked for."""

    def __init__(self, source: Readable, size: int) -> None:
        self._source = source
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; ``b""`` at the member's end.

        Raises:
            InvalidImage: The archive ends before the member does.
        """
        wanted = self.left if size < 0 else min(size, self.left)
        data = self._source.read(wanted) if wanted else b""
        if wanted and not data:
            raise InvalidImage(f"an archive ends early: {self.left} bytes of a member are missing")
        self.left -= len(data)
        return data

    def read_all(self, limit: int) -> bytes:
        """Return everything that is left.

        Raises:
            InvalidImage: That is more than ``limit`` bytes, or the archive ends before the member does.
        """
        if self.left > limit:
            raise InvalidImage(f"an archive's member has {self.left} bytes, more than {limit}")
        parts = []
        while data := self.read(CHUNK):
            parts.append(data)
        return b"".join(parts)


def read_members(source: Readable, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[Member, Content]]:
    """Yield each member and its content, in the archive's order.

    Content that the caller leaves is skipped. The archive's end is its two blocks of zeros; what follows them is
    read, so that digests of the whole stream are right, and ignored.

    Raises:
        UnsafeArchive: A path is absolute or leaves the archive's root.
        InvalidImage: The archive is damaged, uses something that layers do not have, or exceeds a limit.
    """
    total = 0
    for header, extra in _headers(source, limits):
        member = _member(header, extra, limits)
        total += member.size
        if total > limits.total:
            raise InvalidImage(f"an archive's members have more than {limits.total} bytes")
        content = Content(source, member.size)
        yield member, content
        _skip(content, content.left)
        _skip_padding(source, member.size)
    while source.read(CHUNK):
        pass


def _headers(source: Readable, limits: Limits) -> Iterator[tuple[Header, Extra]]:
    shared, extra = Extra(), Extra()
    count = 0
    while (block := _exactly(source, BLOCK)) is not None and block.strip(b"\0"):
        header = parse_block(block)
        count += 1
        if count > limits.members:
            raise InvalidImage(f"an archive has more than {limits.members} headers")
        if header.flag in {b"x", b"g", b"L", b"K"}:
            body = _extra_body(source, header, limits)
            match header.flag:
                case b"x":
                    extra = extra.merged(parse_records(body))
                case b"g":
                    shared = shared.merged(parse_records(body))
                case b"L":
                    extra = extra.merged({b"path": body.rstrip(b"\0")})
                case _:
                    extra = extra.merged({b"linkpath": body.rstrip(b"\0")})
            continue
        yield header, shared.merged(extra.records)
        extra = Extra()


def _extra_body(source: Readable, header: Header, limits: Limits) -> bytes:
    if header.size > limits.extra:
        raise InvalidImage(f"an archive's extended header has {header.size} bytes, more than {limits.extra}")
    body = _exactly(source, header.size) if header.size else b""
    _skip_padding(source, header.size)
    if body is None:
        raise InvalidImage("an archive ends inside an extended header")
    return body


def _member(header: Header, extra: Extra, limits: Limits) -> Member:
    name = extra.text(b"path", header.name)
    kind = _KINDS.get(header.flag)
    if kind is None or any(key.startswith(b"GNU.sparse") for key in extra.records):
        raise InvalidImage(f"an archive's member {name[:200]!r} has the unknown type {header.flag!r}")
    # Archives older than ustar have no type for folders but a slash at the end.
    if kind is MemberKind.FILE and header.flag != b"7" and name.endswith("/"):
        kind = MemberKind.FOLDER
    target = extra.text(b"linkpath", header.target) if kind in {MemberKind.SYMLINK, MemberKind.HARDLINK} else ""
    if max(map(len, (name, target))) > limits.name or "\0" in name + target:
        raise InvalidImage(f"an archive's member has a name of {max(len(name), len(target))} characters")
    if name.count("/") > limits.depth:
        raise InvalidImage(f"an archive's member lies in {name.count('/')} folders: {name[:200]!r}")
    return Member(
        path=clean(name),
        kind=kind,
        mode=header.mode & 0o7777,
        uid=_owner(extra.number(b"uid", header.uid)),
        gid=_owner(extra.number(b"gid", header.gid)),
        mtime=max(-_LATEST, min(extra.number(b"mtime", header.mtime), _LATEST)),
        size=extra.number(b"size", header.size) if kind is MemberKind.FILE else 0,
        target=clean(target) if kind is MemberKind.HARDLINK else target,
    )


def _owner(number: int) -> int:
    if not 0 <= number < _OWNERS:
        raise InvalidImage(f"an archive's member belongs to user or group {number}")
    return number


def clean(name: str) -> str:
    """Return a member's name without ``.`` and doubled slashes.

    Raises:
        UnsafeArchive: It is absolute or contains ``..``.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts:
        raise UnsafeArchive(f"an archive names a path outside of its folder: {name[:200]!r}")
    return "/".join(parts)


def _exactly(source: Readable, size: int) -> bytes | None:
    """Read so many bytes; None at the source's clean end."""
    data = source.read(size)
    while data and len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise InvalidImage(f"an archive ends early: {size - len(data)} bytes are missing")
        data += more
    return data or None


def _skip(source: Readable, size: int) -> None:
    while size:
        size -= len(source.read(min(size, CHUNK)))


def _skip_padding(source: Readable, size: int) -> None:
    """Read what fills the last block; some writers leave it out at the very end."""
    left = len(padding(size))
    while left and (data := source.read(left)):
        left -= len(data)
