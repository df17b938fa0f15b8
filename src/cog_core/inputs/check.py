"""Checking inputs against the model's schema, in upstream's words (reference, section 2.4)."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from cog_core.errors import InputInvalid, Problem
from cog_core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_core.inputs.fields import InputSchema


def check(inputs: Mapping[str, Any], schema: InputSchema) -> None:
    """Check all inputs at once.

    Raises:
        InputInvalid: Some are unknown, missing, of another type or out of range; ``problems`` has every one.
    """
    if schema.is_open:
        return
    problems = [*_unknown(inputs, schema), *_missing(inputs, schema)]
    for name, value in inputs.items():
        if name in schema.properties and (fault := _fault(value, schema.properties[name])):
            problems.append(Problem(message=f'invalid input "{name}": {fault}'))
    if problems:
        raise InputInvalid(problems)


def _unknown(inputs: Mapping[str, Any], schema: InputSchema) -> Iterator[Problem]:
    unknown = [name for name in inputs if name not in schema.properties]
    if not unknown:
        return
    names = ", ".join(f'"{name}"' for name in unknown)
    known = (
        f"valid inputs are: {', '.join(schema.properties)}" if schema.properties else "model does not accept inputs"
    )
    near = difflib.get_close_matches(unknown[0], schema.properties, n=1)
    hint = f"Did you mean -i {near[0]}=...?" if near else None
    yield Problem(message=f"unknown input{'s' if len(unknown) > 1 else ''} {names}; {known}", hint=hint)


def _missing(inputs: Mapping[str, Any], schema: InputSchema) -> Iterator[Problem]:
    for name in schema.required:
        if name not in inputs:
            value = "@FILE" if schema.properties.get(name, {}).get("format") == "uri" else "VALUE"
            yield Problem(message=f'missing required input "{name}"', hint=f"Add -i {name}={value}.")


def _fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a value, or None."""
    if value is None:
        return "must not be null (omit the input to use its default)"
    if members := schema.get("anyOf"):
        if any(_fault(value, member) is None for member in members):
            return None
        return f"expected {' or '.join(str(member.get('type')) for member in members)}, got {_kind(value)}"
    return _type_fault(value, schema) or _choice_fault(value, schema) or _range_fault(value, schema)


def _type_fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    expected = schema.get("type")
    kind = _kind(value)
    if expected is None or kind == expected or (expected == "number" and kind == "integer"):
        items = schema.get("items") if isinstance(value, list) else None
        for index, item in enumerate(value if items else ()):
            if fault := _fault(item, items or {}):
                return f"item {index}: {fault}"
        return None
    return f"expected {expected}, got {kind}"


def _choice_fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    choices = schema.get("enum")
    if choices is None or value in choices:
        return None
    return f"must be one of: {', '.join(map(str, choices))}"


def _range_fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    if isinstance(value, str):
        return _text_fault(value, schema)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if (least := schema.get("minimum")) is not None and value < least:
        return f"must be at least {_shown(least)}, got {value}"
    if (most := schema.get("maximum")) is not None and value > most:
        return f"must be at most {_shown(most)}, got {value}"
    return None


def _shown(limit: float) -> float:
    return int(limit) if float(limit).is_integer() else limit


def _text_fault(value: str, schema: Mapping[str, Any]) -> str | None:
    if (least := schema.get("minLength")) is not None and len(value) < least:
        return f"must have at least {counted(least, 'character')}, got {len(value)}"
    if (most := schema.get("maxLength")) is not None and len(value) > most:
        return f"must have at most {counted(most, 'character')}, got {len(value)}"
    pattern = schema.get("pattern")
    if pattern and not _matches(pattern, value):
        return f"must match the pattern {pattern}"
    return None


def _matches(pattern: str, value: str) -> bool:
    """Whether a text matches; a pattern that only the model's own language of patterns knows is left to it."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def _kind(value: Any) -> str:
    """Return a value's type in JSON Schema's words; a float without a fraction is an integer there."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")
