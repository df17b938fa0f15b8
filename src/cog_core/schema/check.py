"""Whether what a document says about inputs holds together."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from cog_core.errors import Origin, Problem, SchemaError
from cog_core.schema.openapi import property_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cog_core.schema.envelope import Document
    from cog_core.schema.model import InputField, ModelSchema

_INVALID = "model schema is invalid"
_MOST_ITEMS: Final = 100  # of a default that are looked at
_MOST_TRIES: Final = 1_000_000
_REPEAT: Final = re.compile(r"[*+?{]")
_GROUP_REPEATED: Final = re.compile(r"\)[*+{]|\\[1-9]")


def check(document: Document, *models: ModelSchema) -> None:
    """Make sure that a finished document is consistent.

    Each default has to be a value that the input accepts, and each reference has to lead somewhere.

    Args:
        document: Ours, or one that the user supplies.
        models: Where it came from, so that complaints can name file and line.

    Raises:
        SchemaError: It is not; all problems at once.
    """
    origins = {field.name: field.origin for model in models for field in model.inputs}
    problems = tuple(_document_problems(document, origins))
    if problems:
        raise SchemaError(problems)


def problems_of(field: InputField) -> Iterator[Problem]:
    """Yield what contradicts itself in one input."""
    yield from _property_problems(field.name, property_of(field, 0), {}, field.origin)


def _document_problems(document: Document, origins: dict[str, Origin | None]) -> Iterator[Problem]:
    if not str(_mapping(document).get("openapi", "")).startswith("3.0."):
        yield Problem(message=f"{_INVALID}: it is no OpenAPI 3.0 document", hint="Its key `openapi` has to be 3.0.2.")
        return
    schemas = _mapping(_mapping(document.get("components")).get("schemas"))
    if not isinstance(document.get("paths"), dict):
        yield Problem(message=f"{_INVALID}: it has no paths", hint="Describe the routes in it.")
    if not any(isinstance(schemas.get(name), dict) for name in ("Input", "TrainingInput")):
        yield Problem(message=f"{_INVALID}: it has no component Input", hint="Describe the inputs in it.")
    for missing in sorted(set(_references(document)) - {f"#/components/schemas/{name}" for name in schemas}):
        yield Problem(message=f"{_INVALID}: {missing} is not defined", hint="Define it, or correct the reference.")
    for component in ("Input", "TrainingInput"):
        for name, schema in _mapping(_mapping(schemas.get(component)).get("properties")).items():
            yield from _property_problems(name, _mapping(schema), schemas, origins.get(name))


def _mapping(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("$ref"), str):
                yield each["$ref"]
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)


def _property_problems(name: str, schema: Document, schemas: Document, origin: Origin | None) -> Iterator[Problem]:
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _is_regex(pattern):
        message = f"{_INVALID}: the regex of '{name}' is no regular expression: {pattern}"
        yield Problem(message=message, origin=origin, hint="Write it as for Python's re.search().")
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength")):
        if _is_number(schema.get(low)) and _is_number(schema.get(high)) and schema[low] > schema[high]:
            message = f"{_INVALID}: the {low} of '{name}', {schema[low]:g}, is above its {high}, {schema[high]:g}"
            yield Problem(message=message, origin=origin, hint="Exchange the two.")
    if "default" in schema:
        for fault in _faults(schema["default"], schema, schemas):
            message = f"{_INVALID}: the default of '{name}', {_shown(schema['default'])}, {fault}"
            yield Problem(message=message, origin=origin, hint="Give it a default that a request could send as well.")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_regex(pattern: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as a set in a set: only a later Python may read it otherwise
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _misses(pattern: str, value: str) -> bool:
    """Whether a text does not match a pattern; False when finding out might take long.

    A search takes time in the length of the text to the power of the number of repetitions, and longer still where
    repeated groups are repeated.
    """
    repeats = len(_REPEAT.findall(pattern))
    if _GROUP_REPEATED.search(pattern) or (len(value) + 1) ** (repeats + 1) > _MOST_TRIES or not _is_regex(pattern):
        return False
    return re.search(pattern, value) is None


def _faults(value: Any, schema: Document, schemas: Document, depth: int = 20) -> Iterator[str]:
    """Yield why a value does not match a schema; nothing when it does."""
    if depth <= 0 or (value is None and schema.get("nullable")):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        yield from _faults(value, _mapping(schemas.get(name)), schemas, depth - 1)
    for part in _parts(schema.get("allOf")):
        yield from _faults(value, part, schemas, depth - 1)
    members = _parts(schema.get("anyOf"))
    if members and all(any(_faults(value, member, schemas, depth - 1)) for member in members):
        yield "is none of the types that it may have"
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TYPES and not _TYPES[kind](value):
        yield f"is no {kind}"
        return
    if isinstance(schema.get("enum"), list | tuple) and not _is_among(value, schema["enum"]):
        yield f"is none of its choices, {_shown(list(schema['enum']))}"
    yield from _bounds(value, schema)
    if isinstance(value, list | tuple) and isinstance(schema.get("items"), dict):
        for item in value[:_MOST_ITEMS]:
            yield from (f"has an item that {fault}" for fault in _faults(item, schema["items"], schemas, depth - 1))


def _bounds(value: Any, schema: Document) -> Iterator[str]:
    if _is_number(value):
        if _is_number(schema.get("minimum")) and value < schema["minimum"]:
            yield f"is below its minimum, {schema['minimum']:g}"
        if _is_number(schema.get("maximum")) and value > schema["maximum"]:
            yield f"is above its maximum, {schema['maximum']:g}"
    if isinstance(value, str):
        if _is_number(schema.get("minLength")) and len(value) < schema["minLength"]:
            yield f"is shorter than its minLength, {schema['minLength']}"
        if _is_number(schema.get("maxLength")) and len(value) > schema["maxLength"]:
            yield f"is longer than its maxLength, {schema['maxLength']}"
        if isinstance(schema.get("pattern"), str) and _misses(schema["pattern"], value):
            yield f"does not match its pattern, {schema['pattern']}"


def _parts(value: Any) -> list[Document]:
    """Return the schemas of ``allOf`` or ``anyOf``; a document that a user brings may hold anything there."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list | tuple) else []


def _is_among(value: Any, choices: Sequence[Any]) -> bool:
    return value in choices and any(_same(value, each) for each in choices)


def _same(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 and 1.0 are equal, 1 and true are not."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value % 1 == 0,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, dict),
}
