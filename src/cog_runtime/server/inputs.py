"""From validated inputs to the payload and the parts of a frame."""

from __future__ import annotations

from typing import Any

from cog_runtime.server.codec import b64decode, dumps
from cog_runtime.wire import FILE, TEXT, Part, Where, numbers_as_part

LONG = 1 << 14
"""Characters from which on a string travels as a part: the worker would decode it as JSON at 1 ms per MiB."""

MANY = 64
"""Numbers from which on a list of them travels as a part: the worker would decode them at 20 ms per MiB."""

_DEEPEST = 16
"""Levels that are looked through."""

_PATIENCE = 1024
"""Lists and objects that are looked through without finding anything: so many small ones hold nothing long."""


def pack_inputs(
    inputs: dict[str, Any], files: frozenset[str], *, numbers: bool = False
) -> tuple[bytes, tuple[Part, ...]]:
    """Return the payload, and what was taken out of it: the content of files in ``data:`` URLs, long texts and lists.

    Args:
        inputs: Stays as it is.
        files: Names of inputs that are files.
        numbers: The worker understands lists of numbers that are parts.
    """
    parts: list[Part] = []
    rest = inputs
    if files:
        rest = {
            name: _without_files(value, (name,), parts) if name in files else value for name, value in inputs.items()
        }
    thin = _Thinner(parts, numbers=numbers).thin(rest, ())
    return dumps(thin), tuple(parts)


def _without_files(value: Any, where: Where, parts: list[Part]) -> Any:
    if type(value) is list:
        return [_without_file(each, (*where, index), parts) for index, each in enumerate(value)]
    return _without_file(value, where, parts)


def _without_file(value: Any, where: Where, parts: list[Part]) -> Any:
    if type(value) is not str or not value.startswith("data:"):
        return value
    head, comma, data = value.partition(",")
    if not comma or not head.endswith(";base64"):
        return value
    try:
        parts.append(Part(where, FILE, b64decode(data), head[len("data:") : -len(";base64")]))
    except ValueError:
        return value  # the worker says what is wrong with it
    return None


class _Thinner:
    """Takes what is long out of JSON values; copies what it changes.

    Args:
        parts: Get what is taken out.
        numbers: Lists of numbers, too.
    """

    def __init__(self, parts: list[Part], *, numbers: bool) -> None:
        self._parts = parts
        self._numbers = numbers
        self._patience = _PATIENCE

    def thin(self, value: Any, where: Where) -> Any:
        """Return the value with null wherever something was taken out."""
        kind = type(value)
        if kind is str:
            return self._take(Part(where, TEXT, value.encode("utf-8"))) if len(value) >= LONG else value
        if kind is list:
            if self._numbers and len(value) >= MANY and type(value[0]) in _NUMBERS:
                part = numbers_as_part(value, where)
                return value if part is None else self._take(part)
            return self._thin_all(value, enumerate(value), where)
        return self._thin_all(value, value.items(), where) if kind is dict else value

    def _thin_all(self, value: Any, items: Any, where: Where) -> Any:
        if len(where) > _DEEPEST or self._patience <= 0:
            return value
        self._patience -= 1
        rest = value
        for key, each in items:
            if type(each) in _MAY_BE_LONG:
                new = self.thin(each, (*where, key))
                if new is not each:
                    if rest is value:
                        rest = value.copy()
                    rest[key] = new
        return rest

    def _take(self, part: Part) -> None:
        self._parts.append(part)
        self._patience = _PATIENCE


_NUMBERS = (int, float)
_MAY_BE_LONG = (str, list, dict)
