"""From what a model returned to the payload and the parts of a frame."""

from __future__ import annotations

import io
import json
import os
from typing import Any, NamedTuple

from cog._normalise import Where, plain
from cog_runtime.wire import FILE, TEXT, Part

LONG = 1 << 14
"""Characters from which on a string travels as a part: encoding it as JSON costs more than copying it."""

_FEW = 64


class Encoded(NamedTuple):
    """A value on its way to the server.

    Attributes:
        payload: JSON text; empty when one part is all.
        parts: Files and long texts.
        many: The model returned a list or the like: its items are the outputs.
    """

    payload: bytes
    parts: tuple[Part, ...] = ()
    many: bool = False


class _NotPlain(Exception):
    """The value holds something that JSON does not know."""


def _refuse(value: Any) -> Any:
    raise _NotPlain(type(value).__name__)


_FAST = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse)


def encode(value: Any) -> Encoded:
    """Return the value as a payload with parts.

    Plain JSON values take the fast way through the C encoder; everything else is normalised first.

    Raises:
        TypeError: Something has no JSON form.
        OSError: A file that was returned cannot be read.
    """
    many = isinstance(value, (list, tuple, set, frozenset)) or _is_array(value)
    if not _has_long_text(value):
        try:
            return Encoded(_FAST.encode(value).encode(), (), many)
        except (_NotPlain, TypeError, ValueError):
            pass
    parts: list[Part] = []
    simple = _without_long_texts(plain(value, _Files(parts), ()), parts)
    if parts and not parts[0].where:
        return Encoded(b"", tuple(parts), many)
    return Encoded(_dumps(simple), tuple(parts), many)


def as_json(value: Any) -> bytes:
    """Return the value as one JSON text, long texts included; files become null.

    Raises:
        TypeError: Something has no JSON form.
    """
    return _dumps(plain(value, _Files([]), ()))


def _is_array(value: Any) -> bool:
    """Return whether this is an array of numpy or its kin; one without dimensions is a number."""
    return hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0


def _has_long_text(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) >= LONG
    if isinstance(value, (list, dict)) and len(value) <= _FEW:
        inner = value.values() if isinstance(value, dict) else value
        return any(isinstance(each, str) and len(each) >= LONG for each in inner)
    return False


def _without_long_texts(value: Any, parts: list[Part]) -> Any:
    """Move long texts one level deep into parts; deeper ones are rare and stay."""
    if isinstance(value, str) and len(value) >= LONG:
        parts.append(Part((), TEXT, _utf8(value)))
        return None
    if isinstance(value, (list, dict)):
        for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
            if isinstance(each, str) and len(each) >= LONG:
                parts.append(Part((key,), TEXT, _utf8(each)))
                value[key] = None
    return value


def _dumps(value: Any) -> bytes:
    try:
        return _FAST.encode(value).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair is no character; a question mark is better than no answer.
        return _FAST.encode(value).encode("utf-8", "replace")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


class _Files:
    """Reads the files of an output into parts."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def __call__(self, file: Any, where: Where) -> None:
        data, name = _read(file)
        # Names of files are bytes, and these need not be characters.
        self._parts.append(Part(where, FILE, data, _utf8(name).decode()))


def _read(file: Any) -> tuple[bytes, str]:
    if isinstance(file, os.PathLike):
        path = os.fspath(file)
        with io.open(path, "rb") as source:  # noqa: UP020 - pathlib would turn any path into its own
            return source.read(), os.path.basename(os.fsdecode(path))  # noqa: PTH119
    if file.seekable():
        file.seek(0)
    data = file.read()
    name = getattr(file, "name", None)
    name = os.path.basename(name) if isinstance(name, str) else ""  # noqa: PTH119
    return data.encode() if isinstance(data, str) else data, name or "file.bin"
