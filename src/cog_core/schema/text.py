"""Writes JSON as Go's ``encoding/json`` does, so that documents equal upstream's byte for byte.

That is: no blanks, UTF-8, ``<``, ``>``, ``&`` and the two Unicode line ends escaped, whole floats without a
fraction, exponents only below 1e-6 and from 1e21 on (Go documentation, package encoding/json, func Marshal).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def dumps(document: Any, *, pretty: bool = False) -> str:
    """Return a document as JSON.

    Args:
        document: What a JSON reader would return.
        pretty: Over several lines, two blanks a level (Go documentation, package encoding/json, func MarshalIndent);
            upstream writes a document for predictions and trainings like that, and every other one compactly.
    """
    return _written(document, "\n" if pretty else "")


def _written(value: Any, line: str) -> str:
    """Return a value; ``line`` begins a line at its level, or is empty for everything on one."""
    if isinstance(value, dict):
        colon = ": " if line else ":"
        inner = [f"{_text(str(key))}{colon}{_written(item, line and f'{line}  ')}" for key, item in value.items()]
        return _enclosed("{", inner, "}", line)
    if isinstance(value, list | tuple):
        return _enclosed("[", [_written(item, line and f"{line}  ") for item in value], "]", line)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value)


def _enclosed(opening: str, inner: list[str], closing: str, line: str) -> str:
    if not inner or not line:
        return f"{opening}{','.join(inner)}{closing}"
    return f"{opening}{line}  {f',{line}  '.join(inner)}{line}{closing}"


def _text(text: str) -> str:
    whole = _SURROGATES.sub("\ufffd", text)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(whole, ensure_ascii=False))


def _number(value: float) -> str:
    """Return the shortest decimal number that reads as this float (ECMA-262, Number::toString)."""
    size = abs(value)
    if size == 0:
        return "-0" if str(value).startswith("-") else "0"
    if size < 1e-6 or size >= 1e21:
        digits, _, exponent = repr(value).partition("e")
        sign = "-" if exponent.startswith("-") else "+"
        return f"{digits.removesuffix('.0')}e{sign}{exponent.lstrip('+-').lstrip('0')}"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    from decimal import Decimal  # noqa: PLC0415 - slow to load, and few models have such numbers

    return format(Decimal(text), "f").removesuffix(".0")
