"""The fields of one block of a tar archive, and the records of a pax header, as a stranger wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci.errors import InvalidImage
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_DIGITS = 20
_CHECKSUM = slice(148, 156)


@attrs.frozen(kw_only=True)
class Header(Frozen):
    """What one block says; sizes are never negative."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    flag: bytes
    target: bytes


@attrs.frozen
class Extra(Frozen):
    """Records that replace fields of the block that follows."""

    records: Mapping[bytes, bytes] = attrs.field(factory=dict)

    def merged(self, records: Mapping[bytes, bytes]) -> Extra:
        """Return these records with others on top; an empty value takes a record away."""
        both = {**self.records, **records}
        return Extra({key: value for key, value in both.items() if value})

    def text(self, key: bytes, default: bytes) -> str:
        """Return a path; bytes that are no UTF-8 become surrogates."""
        return self.records.get(key, default).decode("utf-8", "surrogateescape")

    def number(self, key: bytes, default: int) -> int:
        """Return a number without its fraction.

        Raises:
            InvalidImage: It is none, or a negative size.
        """
        value = self.records.get(key)
        if value is None:
            return default
        whole = value.partition(b".")[0]
        if (
            not whole.removeprefix(b"-").isdigit()
            or len(whole) > _MOST_DIGITS
            or (key == b"size" and whole[:1] == b"-")
        ):
            raise InvalidImage(f"an archive's {key.decode()} is {value[:40]!r}")
        return int(whole)


def parse_block(block: bytes) -> Header:
    """Read a header block.

    Raises:
        InvalidImage: Its checksum is wrong, or a number is none.
    """
    total = sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    if _number(block[_CHECKSUM]) != total:
        raise InvalidImage("this is no tar archive, or a damaged one: the checksum of a header is wrong")
    name, magic = _text(block[:100]), block[257:263]
    # GNU's own magic, "ustar" and a blank, keeps other things where ustar has the prefix.
    if magic == b"ustar\0" and (prefix := _text(block[345:500])):
        name = prefix + b"/" + name
    size = _number(block[124:136])
    if size < 0:
        raise InvalidImage(f"an archive's member has a size of {size}")
    return Header(
        name=name,
        mode=_number(block[100:108]),
        uid=_number(block[108:116]),
        gid=_number(block[116:124]),
        size=size,
        mtime=_number(block[136:148]),
        flag=block[156:157],
        target=_text(block[157:257]),
    )


def parse_records(body: bytes) -> dict[bytes, bytes]:
    """Read the ``length key=value`` lines of a pax header.

    Raises:
        InvalidImage: They have another form.
    """
    records = {}
    position = 0
    while position < len(body):
        blank = body.find(b" ", position, position + _MOST_DIGITS)
        digits = body[position:blank] if blank > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        key, equals, value = body[blank + 1 : end - 1].partition(b"=")
        if not blank < end <= len(body) or body[end - 1 : end] != b"\n" or not equals:
            raise InvalidImage(f"an archive's extended header is damaged at byte {position}")
        records[key] = value
        position = end
    return records


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """Read octal digits, or GNU's base 256 when the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise InvalidImage(f"an archive's header holds {field!r} where a number belongs")
    return int(digits, 8) if digits else 0
