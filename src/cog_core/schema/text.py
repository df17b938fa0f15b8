"""Writes JSON as Go's ``encoding/json`` does, so that documents equal upstream's byte for byte.

That is: no blanks, UTF-8, ``<``, ``>``, ``&`` and the two Unicode line ends escaped, whole floats without a
fraction, exponents only below 1e-6 and from 1e21 on (Go documentation, package encoding/json, func Marshal).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def dumps(document: Any) -> str:
    """Return a document as compact JSON."""
    if isinstance(document, dict):
        return "{" + ",".join(f"{_text(str(key))}:{dumps(value)}" for key, value in document.items()) + "}"
    if isinstance(document, list | tuple):
        return "[" + ",".join(map(dumps, document)) + "]"
    if isinstance(document, str):
        return _text(document)
    if isinstance(document, float):
        return _number(document)
    return json.dumps(document)


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
    return format(Decimal(repr(value)), "f").removesuffix(".0")
