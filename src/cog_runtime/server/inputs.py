"""From validated inputs to the payload and the parts of a frame."""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple

from cog_runtime.server.codec import b64decode, dumps
from cog_runtime.wire import FILE, MARSHAL_VERSION, TEXT, Part, Where

LONG = 1 << 14
"""Characters from which on a string travels as a part: the worker would decode it as JSON at 1 ms per MiB."""


class Packed(NamedTuple):
    """Inputs on their way to the worker.

    Attributes:
        payload: JSON text, or what ``marshal`` makes of the inputs.
        parts: What was taken out of it: long texts, and the content of files in ``data:`` URLs.
        is_marshal: Which of the two.
    """

    payload: bytes
    parts: tuple[Part, ...] = ()
    is_marshal: bool = False


def pack_inputs(inputs: dict[str, Any], files: frozenset[str], *, marshals: bool = False) -> Packed:
    """Return the payload with its parts.

    Args:
        inputs: Stays as it is.
        files: Names of inputs that are files.
        marshals: The worker understands a long payload that is no JSON.
    """
    parts: list[Part] = []
    rest = inputs
    for name, value in inputs.items():
        if type(value) is str:
            if len(value) >= LONG or (name in files and value.startswith("data:")):
                parts.append(_part(value, (name,), is_file=name in files))
                rest = _without(rest, inputs, name, None)
        elif type(value) is list and value and type(value[0]) is str:
            items = _items(name, value, parts, is_file=name in files)
            if items is not value:
                rest = _without(rest, inputs, name, items)
    payload = dumps(rest)
    if marshals and len(payload) >= LONG:
        return Packed(marshal.dumps(rest, MARSHAL_VERSION), tuple(parts), is_marshal=True)
    return Packed(payload, tuple(parts))


def _without(rest: dict[str, Any], inputs: dict[str, Any], name: str, instead: Any) -> dict[str, Any]:
    if rest is inputs:
        rest = dict(inputs)
    rest[name] = instead
    return rest


def _items(name: str, values: list[Any], parts: list[Part], *, is_file: bool) -> list[Any]:
    rest = values
    for index, value in enumerate(values):
        if type(value) is str and (len(value) >= LONG or (is_file and value.startswith("data:"))):
            parts.append(_part(value, (name, index), is_file=is_file))
            if rest is values:
                rest = list(values)
            rest[index] = None
    return rest


def _part(text: str, where: Where, *, is_file: bool) -> Part:
    if is_file and text.startswith("data:"):
        head, comma, data = text.partition(",")
        if comma and head.endswith(";base64"):
            try:
                return Part(where, FILE, b64decode(data), head[len("data:") : -len(";base64")])
            except ValueError:
                pass  # the worker says what is wrong with it
    return Part(where, TEXT, text.encode("utf-8"))
