"""Whether a value fits a schema, as compiled functions."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

Check = Callable[[Any], bool]
Components = Mapping[str, Any]


def resolve(schema: Mapping[str, Any], components: Components) -> Mapping[str, Any]:
    """Follow a reference into the components."""
    reference = schema.get("$ref", "")
    return components[reference.rpartition("/")[2]] if reference else schema


def compile_check(schema: Mapping[str, Any], components: Components) -> Check:
    """Return whether a value fits the schema, as a function; ``nullable`` is not heeded, as upstream has it."""
    schema = resolve(schema, components)
    checks = [_TYPES[schema["type"]]] if schema.get("type") in _TYPES else []
    for keyword, make in _KEYWORDS.items():
        if keyword in schema:
            checks.append(make(schema[keyword]))
    if "items" in schema:
        checks.append(_items(compile_check(schema["items"], components)))
    if "allOf" in schema:
        checks += [compile_check(inner, components) for inner in schema["allOf"]]
    if "anyOf" in schema:
        checks.append(_any([compile_check(inner, components) for inner in schema["anyOf"]]))
    if "properties" in schema or "required" in schema:
        inner_checks = {key: compile_check(inner, components) for key, inner in schema.get("properties", {}).items()}
        checks.append(_object(inner_checks, schema.get("required", ())))
    return _all(checks)


def is_integer(value: Any) -> bool:
    """Return whether JSON Schema calls this an integer: 2.0 is one, true is none."""
    return type(value) is int or (type(value) is float and value.is_integer())


def is_number(value: Any) -> bool:
    """Return whether this is a number; true is none."""
    return type(value) is int or type(value) is float


def is_one_of(value: Any, choices: Any) -> bool:
    """Return whether a value is among the choices; true is not 1."""
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in choices)


_TYPES: dict[str, Check] = {
    "string": lambda value: type(value) is str,
    "integer": is_integer,
    "number": is_number,
    "boolean": lambda value: type(value) is bool,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
    "null": lambda value: value is None,
}


def compile_pattern(text: str) -> re.Pattern[str] | None:
    """Return the pattern, or None for one that Python's expressions cannot say."""
    try:
        return re.compile(text)
    except re.error:
        return None


def _pattern(text: str) -> Check:
    pattern = compile_pattern(text)
    if pattern is None:
        return lambda _: True
    search = pattern.search
    return lambda value: type(value) is not str or search(value) is not None


_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "minimum": lambda limit: lambda value: not is_number(value) or value >= limit,
    "maximum": lambda limit: lambda value: not is_number(value) or value <= limit,
    "minLength": lambda limit: lambda value: type(value) is not str or len(value) >= limit,
    "maxLength": lambda limit: lambda value: type(value) is not str or len(value) <= limit,
    "enum": lambda choices: lambda value: is_one_of(value, choices),
    "pattern": _pattern,
}


def _items(check: Check) -> Check:
    return lambda value: type(value) is not list or all(map(check, value))


def _any(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    return lambda value: all(check(value) for check in checks)


def _object(checks: dict[str, Check], required: Any) -> Check:
    def check(value: Any) -> bool:
        if type(value) is not dict:
            return True
        return all(name in value for name in required) and all(
            inner(value[name]) for name, inner in checks.items() if name in value
        )

    return check
