"""``-i name=value`` and JSON to values of the types that the schema wants (reference, section 2.4)."""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import math
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cog_core.errors import InputInvalid, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_core.inputs.fields import InputSchema

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def from_pairs(pairs: Iterable[str], schema: InputSchema) -> dict[str, Any]:
    """Read ``name=value`` pairs; a name that comes several times makes a list.

    Args:
        pairs: As typed; ``@path`` is a file, and a value without a name means the model's only input.
        schema: Says which type each value gets.

    Raises:
        InputInvalid: A pair cannot be read, or a file is not there; all of them at once.
    """
    given: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = schema.without_name() or "", pair
        if not (value.startswith("@") or _is_text(pair)):
            problems.append(Problem(message=f"Failed to parse input {pair!r}: it is no text in this locale"))
        elif name:
            given.setdefault(name, []).append(_unquoted(value))
        else:
            problems.append(Problem(message=f"Failed to parse input '{pair}', expected format is 'name=value'"))
    inputs: dict[str, Any] = {}
    for name, values in given.items():
        try:
            inputs[name] = _coerced(values, schema.properties.get(name) or {})
        except OSError as error:
            path = error.filename or values[0]
            problems.append(Problem(message=f'input "{name}": cannot read {path}: {error.strerror}'))
    if problems:
        raise InputInvalid(problems, hint="Write inputs as -i name=value, and files as -i name=@path.")
    return inputs


def _is_text(pair: str) -> bool:
    """Return whether JSON can carry it: bytes that are no letters arrive as halves of surrogate pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in pair)


def from_json(text: str) -> dict[str, Any]:
    """Read inputs from a JSON object; strings that start with ``@`` are files.

    Raises:
        InputInvalid: The text is no JSON object, or a file is not there.
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputInvalid([Problem(message=f"Failed to parse JSON: {error}")]) from error
    if not isinstance(document, dict):
        raise InputInvalid([Problem(message=f"Failed to parse JSON: expected an object, got {_kind(document)}")])
    try:
        return {name: _with_files(value) for name, value in document.items()}
    except OSError as error:
        raise InputInvalid([Problem(message=f"cannot read {error.filename}: {error.strerror}")]) from error


def data_url(path: Path) -> str:
    """Return a file as a data URL (RFC 2397), with the type that its name suggests."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _coerced(values: list[str], schema: Mapping[str, Any]) -> Any:
    if schema.get("type") != "array":
        return _one(values[0], schema) if len(values) == 1 else [_one(value, schema) for value in values]
    items = schema.get("items") or {}
    if len(values) == 1 and values[0].lstrip().startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            return _with_files(json.loads(values[0], parse_constant=_no_number))
    return [_one(value, items) for value in values]


def _one(value: str, schema: Mapping[str, Any]) -> Any:
    """Convert one value; what does not fit stays text, and the check says so in its own words."""
    if value.startswith("@"):
        return _file(value[1:])
    for member in schema.get("anyOf") or (schema,):
        converted = _as(value, str(member.get("type")))
        if converted is not None:
            return converted
    return value


def _as(value: str, kind: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(value)
    try:
        match kind:
            case "integer":
                return int(value) if _INTEGER.fullmatch(value) else None
            case "number":
                return int(value) if _INTEGER.fullmatch(value) else _finite(float(value))
            case "object" | "array":
                return _with_files(json.loads(value, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return None
    return value if kind == "string" else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _file(path: str) -> str:
    """Return a file as a data URL; a path that cannot be one is a file that is not there."""
    try:
        return data_url(Path(path).expanduser())
    except (RuntimeError, ValueError) as error:
        raise FileNotFoundError(errno.ENOENT, str(error), path) from error


def _with_files(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("@"):
        return _file(value[1:])
    if isinstance(value, list):
        return [_with_files(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_files(item) for key, item in value.items()}
    return value


def _kind(value: Any) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")
