"""JSON and base64 by the fastest means at hand; without accelerators everything works, only slower."""

from __future__ import annotations

import json
from typing import Any, Callable

__all__ = ["b64decode", "b64encode", "dumps", "loads"]

loads: Callable[[bytes], Any]
"""Decode JSON in UTF-8; raises ``ValueError`` for anything that RFC 8259 does not allow."""

dumps: Callable[[Any], bytes]
"""Encode as JSON in UTF-8."""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _slow_loads(data: bytes) -> Any:
    value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    if b"\\ud" in data or b"\\uD" in data:
        _slow_dumps(value)  # half of a surrogate pair is no text
    return value


def _slow_dumps(value: Any) -> bytes:
    return _ENCODER.encode(value).encode("utf-8")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

try:
    import orjson
except ImportError:
    loads, dumps = _slow_loads, _slow_dumps
else:

    def _dumps(value: Any) -> bytes:
        try:
            return orjson.dumps(value)
        except TypeError:
            return _slow_dumps(value)  # more than 254 levels are too much for the one, not for the other

    loads, dumps = orjson.loads, _dumps

try:
    import pybase64  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from binascii import a2b_base64, b2a_base64

    def b64decode(text: str) -> bytes:
        """Decode base64.

        Raises:
            ValueError: The text is damaged.
        """
        return a2b_base64(text)

    def b64encode(data: bytes) -> bytes:
        """Encode as base64 on one line."""
        return b2a_base64(data, newline=False)

else:

    def b64decode(text: str) -> bytes:
        """Decode base64.

        Raises:
            ValueError: The text is damaged.
        """
        data: bytes = pybase64.b64decode(text, validate=True)
        return data

    def b64encode(data: bytes) -> bytes:
        """Encode as base64 on one line."""
        text: bytes = pybase64.b64encode(data)
        return text
