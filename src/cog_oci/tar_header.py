"""The bytes in front of each member of a layer (POSIX.1-2017, pax, "ustar Interchange Format")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK: Final = 512
"""Everything in an archive is padded to this many bytes."""

_TYPE_FLAGS = {Kind.FILE: b"0", Kind.HARDLINK: b"1", Kind.SYMLINK: b"2", Kind.FOLDER: b"5"}
_NAME, _PREFIX, _LINK = 100, 155, 100
_EXTENDED_NAME = b"././@PaxHeader"


def encode(entry: Entry, size: int) -> bytes:
    """Return the header of an entry whose content has ``size`` bytes.

    A pax header comes first when, and only when, ustar's fields are too small or hold UTF-8, whose encoding only pax
    fixes. Short names in no known encoding stay as they are.
    """
    name = raw(entry.path) + (b"/" if entry.kind is Kind.FOLDER else b"")
    target = raw(entry.target)
    records: dict[bytes, bytes] = {b"SCHILY.xattr." + raw(key): value for key, value in entry.xattrs}
    split = _split(name)
    if split is None or _needs_utf8(name):
        records[b"path"] = name
    if len(target) > _LINK or _needs_utf8(target):
        records[b"linkpath"] = target
    numbers = {b"uid": (entry.uid, 8), b"gid": (entry.gid, 8), b"size": (size, 12), b"mtime": (entry.mtime, 12)}
    fields = {}
    for key, (value, width) in numbers.items():
        fits = 0 <= value < 8 ** (width - 1)
        fields[key] = _octal(value if fits else 0, width)
        if not fits:
            records[key] = b"%d" % value
    prefix, short = split or (b"", name[:_NAME])
    block = _block(
        name=short,
        mode=_octal(entry.mode & 0o7777, 8),
        numbers=fields[b"uid"] + fields[b"gid"] + fields[b"size"] + fields[b"mtime"],
        flag=_TYPE_FLAGS[entry.kind],
        target=target[:_LINK],
        prefix=prefix,
    )
    return _extended(records) + block if records else block


def raw(text: str) -> bytes:
    """Return a path's bytes; those that were no UTF-8 come back as they were."""
    return text.encode("utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """Return the zeros after so many bytes of content."""
    return bytes(-size % BLOCK)


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Divide a name into ustar's prefix and name; None when it does not fit."""
    if len(name) <= _NAME:
        return b"", name
    cut = name.rfind(b"/", 0, min(_PREFIX + 1, len(name) - 1))
    if cut <= 0 or len(name) - cut - 1 > _NAME:
        return None
    return name[:cut], name[cut + 1 :]


def _extended(records: dict[bytes, bytes]) -> bytes:
    if any(not _is_utf8(value) for key, value in records.items() if key in {b"path", b"linkpath"}):
        records = {b"hdrcharset": b"BINARY", **records}
    first = [item for item in records.items() if item[0] == b"hdrcharset"]
    rest = sorted(item for item in records.items() if item[0] != b"hdrcharset")
    body = _records(first + rest)
    header = _block(
        name=_EXTENDED_NAME,
        mode=_octal(0o644, 8),
        numbers=_octal(0, 8) * 2 + _octal(len(body), 12) + _octal(0, 12),
        flag=b"x",
        target=b"",
        prefix=b"",
    )
    return header + body + padding(len(body))


def _records(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write ``length key=value`` lines; the length counts itself."""
    lines = []
    for key, value in items:
        rest = b" %b=%b\n" % (key, value)
        length = len(rest) + 1
        while len(b"%d" % length) + len(rest) != length:
            length = len(b"%d" % length) + len(rest)
        lines.append(b"%d%b" % (length, rest))
    return b"".join(lines)


def _needs_utf8(value: bytes) -> bool:
    return not value.isascii() and _is_utf8(value)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def _block(*, name: bytes, mode: bytes, numbers: bytes, flag: bytes, target: bytes, prefix: bytes) -> bytes:
    uid_to_mtime = numbers
    head = name.ljust(_NAME, b"\0") + mode + uid_to_mtime
    tail = b"".join(
        (
            flag,
            target.ljust(_LINK, b"\0"),
            b"ustar\x0000",
            bytes(64),
            _octal(0, 8) * 2,
            prefix.ljust(_PREFIX, b"\0"),
            bytes(12),
        )
    )
    total = sum(head) + sum(tail) + 8 * ord(" ")
    return head + b"%06o\0 " % total + tail
