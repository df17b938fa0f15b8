"""Frames between the server and a worker (docs/reference/worker-protocol.md).

A frame is two lengths, a JSON header, and a body::

    u32 length of header and body | u32 length of header | header | body

Both lengths are big-endian. The body is the payload, a JSON text as a rule, followed by the parts that the header's
``parts`` lists: texts and files taken out of the payload, so that nobody has to encode or decode megabytes of JSON.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Callable, Dict, NamedTuple, Tuple, Union

PROTOCOL = 1
"""Version of the frames' meaning; it grows when an old worker would misunderstand a new server."""

LARGEST = 0xFFFFFFFF
"""Bytes of header and body that fit the length."""

TEXT = "text"
"""Kind of a part that is a string, as UTF-8."""
FILE = "file"
"""Kind of a part that is a file's content."""

MARSHAL = "marshal"
"""The header's ``encoding`` of a payload that is no JSON text but a value of the module ``marshal``, version 2."""
MARSHAL_VERSION = 2
"""The newest that every Python from 2.5 on reads."""

_LENGTHS = Struct("!II")
_BEFORE_HEADER = 4

Header = Dict[str, Any]
Where = Tuple[Union[str, int], ...]


class Part(NamedTuple):
    """Bytes that belong into the payload at some place.

    Attributes:
        where: Keys and indices from the outermost value to the place; empty: the part is the whole payload.
        kind: ``text`` or ``file``.
        data: UTF-8, or the file's content.
        name: Name of the file, or its media type where only that is known; empty for texts.
    """

    where: Where
    kind: str
    data: bytes
    name: str = ""


class Frame(NamedTuple):
    """One message.

    Attributes:
        header: What it is about; ``type`` is always there.
        payload: JSON text, or what the header's ``encoding`` says; empty when there is none.
        parts: What was taken out of the payload, in the order of the header.
    """

    header: Header
    payload: bytes = b""
    parts: tuple[Part, ...] = ()


class BadFrame(ValueError):
    """The other side does not speak this protocol."""


def pack(frame: Frame, dumps: Callable[[Header], bytes]) -> bytes:
    """Return the frame's bytes.

    Args:
        frame: What to send.
        dumps: Encodes the header as JSON in UTF-8.

    Raises:
        BadFrame: The frame is longer than 4 GiB.
    """
    header, payload, parts = frame
    if parts:
        listed = [[part.kind, len(part.data), list(part.where), part.name] for part in parts]
        header = {**header, "parts": listed}
    encoded = dumps(header)
    pieces = [b"", encoded, payload, *(part.data for part in parts)]
    length = sum(map(len, pieces))
    if length > LARGEST - _BEFORE_HEADER:
        raise BadFrame(f"a frame of {length} bytes is too long")
    pieces[0] = _LENGTHS.pack(length + _BEFORE_HEADER, len(encoded))
    return b"".join(pieces)


class Splitter:
    """Cuts a stream of bytes into frames.

    Args:
        loads: Decodes a JSON header.
    """

    def __init__(self, loads: Callable[[bytes], Any]) -> None:
        self._loads = loads
        self._buffer = bytearray()
        self._wanted = _LENGTHS.size

    @property
    def missing(self) -> int:
        """How many bytes the frame that has begun still needs; at least 1."""
        return max(1, self._wanted - len(self._buffer))

    def feed(self, data: bytes | memoryview) -> list[Frame]:
        """Take what came and return the frames that it completes.

        Raises:
            BadFrame: The bytes are no frames.
        """
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._wanted:
            return []
        frames = []
        start = 0
        while len(buffer) - start >= _LENGTHS.size:
            length, of_header = _LENGTHS.unpack_from(buffer, start)
            if of_header > length - _BEFORE_HEADER:
                raise BadFrame(f"a header of {of_header} bytes in a frame of {length}")
            self._wanted = length + _BEFORE_HEADER
            if len(buffer) - start < self._wanted:
                break
            begin = start + _LENGTHS.size
            start += self._wanted
            frames.append(self._frame(bytes(buffer[begin : begin + of_header]), begin + of_header, start))
            self._wanted = _LENGTHS.size
        del buffer[:start]
        return frames

    def _frame(self, header_text: bytes, begin: int, end: int) -> Frame:
        try:
            header = self._loads(header_text)
            listed = header.pop("parts", None)
            if listed is None:
                return Frame(header, bytes(self._buffer[begin:end]))
            return self._with_parts(header, listed, begin, end)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadFrame(f"a damaged header: {header_text[:200]!r}") from error

    def _with_parts(self, header: Header, listed: list[Any], begin: int, end: int) -> Frame:
        lengths = [length for _, length, _, _ in listed]
        first = end - sum(lengths)
        if first < begin or min(lengths, default=0) < 0:
            raise BadFrame("the parts of a frame do not fit its body")
        view = memoryview(self._buffer)
        try:
            payload = bytes(view[begin:first])
            parts = []
            for kind, length, where, name in listed:
                parts.append(Part(tuple(where), kind, bytes(view[first : first + length]), name))
                first += length
        finally:
            view.release()
        return Frame(header, payload, tuple(parts))


def place(value: Any, where: Where, inner: Any) -> Any:
    """Put a part's value where it belongs in the payload, and return the whole.

    Raises:
        LookupError: The payload has no such place.
    """
    if not where:
        return inner
    holder = value
    for step in where[:-1]:
        holder = holder[step]
    holder[where[-1]] = inner
    return value
