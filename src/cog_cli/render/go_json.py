"""JSON as Go writes it, because scripts compare the output of `cog run` (reference, section 2.4).

Keys are sorted, whole numbers have no fraction, and ``<``, ``>``, ``&`` and two line separators are escaped
(Go documentation, "encoding/json", functions Marshal and HTMLEscape).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ESCAPES: Final = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
_LARGEST_PLAIN: Final = 1e21
_SMALLEST_PLAIN: Final = 1e-6


def dumps(value: Any, *, indent: str = "") -> str:
    """Return pretty JSON, two blanks deeper at each level, without a line end."""
    match value:
        case dict():
            return dumps_fields(sorted(value.items()), indent=indent)
        case list() | tuple():
            return _block("[]", (dumps(item, indent=f"{indent}  ") for item in value), indent)
        case float():
            return _number(value)
        case str():
            return _string(value)
        case _:
            return json.dumps(value)


def dumps_fields(fields: Iterable[tuple[str, Any]] | Mapping[str, Any], *, indent: str = "") -> str:
    """Return an object as pretty JSON, its fields in the given order."""
    pairs = dict(fields).items()
    return _block(
        "{}", (f"{_string(str(key))}: {dumps(value, indent=f'{indent}  ')}" for key, value in pairs), indent
    )


def _block(brackets: str, items: Iterable[str], indent: str) -> str:
    lines = ",\n".join(f"{indent}  {item}" for item in items)
    return f"{brackets[0]}\n{lines}\n{indent}{brackets[1]}" if lines else brackets


def _string(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()  # half of a surrogate pair cannot be written
    return json.dumps(whole, ensure_ascii=False).translate(_ESCAPES)


def _number(value: float) -> str:
    """Write a number like Go's: plain between 1e-6 and 1e21, else with an exponent without leading zeros."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - the test for NaN
        return json.dumps(value)
    if value == 0:
        return "-0" if str(value).startswith("-") else "0"
    if _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = format(value, "e" if "e" not in repr(value) else "").partition("e")
    sign, digits = exponent[0], exponent[1:].lstrip("0")
    return f"{mantissa}e{sign}{digits}"
