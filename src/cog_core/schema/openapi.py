"""The OpenAPI document of a model, in the form that Cog 0.22 gives it (reference, section 6.6).

Keys are sorted, except that ``paths``, ``schemas`` and ``properties`` keep their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cog_core.schema import envelope
from cog_core.schema.shapes import (
    Choice,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Record,
    Scalar,
    Shape,
    Stream,
    TupleOf,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.schema.envelope import Document
    from cog_core.schema.model import InputField, ModelSchema

_ORDERED = frozenset({"paths", "schemas", "properties"})
_FRAGMENTS: Final[Mapping[Scalar, Document]] = {
    Scalar.STRING: {"type": "string"},
    Scalar.INTEGER: {"type": "integer"},
    Scalar.NUMBER: {"type": "number"},
    Scalar.BOOLEAN: {"type": "boolean"},
    Scalar.FILE: {"format": "uri", "type": "string"},
    Scalar.SECRET: {"format": "password", "type": "string", "writeOnly": True, "x-cog-secret": True},
    Scalar.OBJECT: {"type": "object"},
    Scalar.TIME: {"format": "date-time", "type": "string"},
    Scalar.ANYTHING: {},
}


def to_openapi(schema: ModelSchema, *, train: ModelSchema | None = None, version: str) -> Document:
    """Return the OpenAPI 3.0.2 document of a model.

    Args:
        schema: What the model does; its mode decides whether routes for predictions or for trainings are described.
        train: The training of the same model; both documents become one, with all keys sorted.
        version: The Cog version that the document names.
    """
    document = _document(schema, version, {})
    if train is None:
        return document
    merged: Document = _all_sorted(_merged(_document(train, version, document["components"]["schemas"]), document))
    return merged


def _document(schema: ModelSchema, version: str, taken: Mapping[str, Document]) -> Document:
    """Return the document for one mode.

    Args:
        schema: The model.
        version: The Cog version.
        taken: Components of the document into which this one will be merged.
    """
    words = envelope.WORDS[schema.mode]
    components = _components(schema, words, taken)
    fields = enumerate(schema.inputs)
    body: Document = {
        "properties": {field.name: property_of(field, order, components.get(field.name)) for order, field in fields},
        "title": "Input",
        "type": "object",
    }
    required = [field.name for field in schema.inputs if field.required]
    if required:
        body["required"] = required
    if schema.open_inputs:
        body["additionalProperties"] = True
    enums = {components[field.name]: enumeration(field) for field in schema.inputs if field.choices}
    output = {**fragment(schema.output), "title": "Output"}
    whole = envelope.document(words, body, output, enums, streaming=schema.streaming, version=version)
    ordered: Document = _sorted(whole)
    return ordered


def _components(schema: ModelSchema, words: envelope.Words, taken: Mapping[str, Document]) -> dict[str, str]:
    """Return the names of the components that hold the choices of each input: the input's own name, if it is free."""
    used = set(words.components)
    found: dict[str, str] = {}
    for field in schema.inputs:
        if field.choices:
            name = field.name
            while name in used or taken.get(name, wanted := _sorted(enumeration(field))) != wanted:
                name = f"{name}_choices"
            used.add(name)
            found[field.name] = name
    return found


def title(name: str) -> str:
    """Return the title of a parameter or field: ``max_new_tokens`` is ``Max New Tokens``."""
    return " ".join(part[:1].upper() + part[1:] for part in name.split("_"))


def property_of(field: InputField, order: int, component: str | None = None) -> Document:
    """Return the schema of an input.

    Args:
        field: The input.
        order: Its place among the inputs, from 0.
        component: The name of the component that holds its choices; without it they are written out in place.
    """
    found: Document = {"x-order": order}
    nullable = isinstance(field.shape, Nullable)
    plain = field.shape.of if isinstance(field.shape, Nullable) else field.shape
    if field.choices and not isinstance(plain, ListOf):
        found.update({"allOf": [_choices(field, component)]})
    else:
        found.update(fragment(field.shape), title=title(field.name))
    if field.choices and isinstance(plain, ListOf):
        found["items"] = _listed(plain.item, _choices(field, component))
    if nullable:
        found["nullable"] = True
    if field.default is not None:
        found["default"] = field.default.value
    extras = {
        "description": field.description,
        "minimum": None if field.minimum is None else float(field.minimum),
        "maximum": None if field.maximum is None else float(field.maximum),
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "pattern": field.pattern,
        "deprecated": field.deprecated or None,
        "x-cog-accept": field.accept,
    }
    found.update({key: value for key, value in extras.items() if value is not None})
    return found


def _listed(item: Shape, choices: Document) -> Document:
    return {"items": _listed(item.item, choices), "type": "array"} if isinstance(item, ListOf) else choices


def _choices(field: InputField, component: str | None) -> Document:
    return envelope.reference(component) if component else enumeration(field)


def enumeration(field: InputField) -> Document:
    """Return the component that lists the choices of an input."""
    shape = field.shape.of if isinstance(field.shape, Nullable) else field.shape
    while isinstance(shape, ListOf):
        shape = shape.item
    base = fragment(shape) if isinstance(shape, Scalar) else {}
    kind = {"type": base["type"]} if "type" in base else {}
    return {"description": "An enumeration.", "enum": list(field.choices), "title": field.name, **kind}


def fragment(shape: Shape) -> Document:  # noqa: PLR0911 - one line for each shape
    """Return the JSON schema of a shape, without a title."""
    match shape:
        case Scalar():
            return dict(_FRAGMENTS[shape])
        case ListOf(item=item):
            return {"items": fragment(item), "type": "array"}
        case TupleOf(items=items):
            return _tuple(items)
        case MapOf(value=value):
            return {"additionalProperties": fragment(value), "type": "object"}
        case Choice(values=values, base=base):
            return {"enum": list(values), **fragment(base)}
        case OneOf(members=members):
            return {"anyOf": [fragment(member) for member in members]}
        case Nullable(of=inner):
            return _nullable(inner)
        case Stream(item=item, joined=joined):
            display = {"x-cog-array-display": "concatenate"} if joined else {}
            return {"items": fragment(item), "type": "array", **display, "x-cog-array-type": "iterator"}
        case Record():
            return _record(shape)
    raise AssertionError(shape)


def _tuple(items: tuple[Shape, ...]) -> Document:
    members = list(dict.fromkeys(items))
    item = {} if not members else fragment(members[0] if len(members) == 1 else OneOf(tuple(members)))
    return {"items": item, "maxItems": len(items), "minItems": len(items), "type": "array"}


def _nullable(inner: Shape) -> Document:
    found = fragment(inner)
    if "enum" in found:
        found["enum"] = [*found["enum"], None]  # OpenAPI 3.0.3, "nullable": enum has to name it
    if isinstance(inner, OneOf):
        found["anyOf"] = [{**member, "nullable": True} for member in found["anyOf"]]
    return {**found, "nullable": True}


def _record(record: Record) -> Document:
    properties = {field.name: {**fragment(field.shape), "title": title(field.name)} for field in record.fields}
    required = [field.name for field in record.fields if field.required]
    return {"properties": properties, "type": "object", **({"required": required} if required else {})}


def _merged(first: Document, last: Document) -> Document:
    """Return two documents as one; where both have something, the last one wins."""
    components = {**first["components"]["schemas"], **last["components"]["schemas"]}
    return {**first, **last, "paths": {**first["paths"], **last["paths"]}, "components": {"schemas": components}}


def _sorted(value: Any, *, keep: bool = False) -> Any:
    """Return a schema with sorted keys; maps of paths, schemas and properties keep their order."""
    if isinstance(value, dict):
        names = value if keep else sorted(value)
        return {name: _sorted(value[name], keep=not keep and name in _ORDERED) for name in names}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


def _all_sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _all_sorted(value[name]) for name in sorted(value)}
    return [_all_sorted(item) for item in value] if isinstance(value, list | tuple) else value
