"""The inputs and outputs of a model as people read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cog_cli.render.table import section, shortened
from cog_core.inputs import InputSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def show_schema(document: Mapping[str, Any]) -> str:
    """Return the inputs and the output of every operation of an OpenAPI document as tables."""
    return "\n".join(part for part in _parts(document) if part)


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    components = (document.get("components") or {}).get("schemas") or {}
    for prefix, word in (("", "Prediction"), ("Training", "Training")):
        if f"{prefix}Input" not in components:
            continue
        inputs = InputSchema.of(document, component=f"{prefix}Input")
        rows = [_row(name, prop, required=name in inputs.required) for name, prop in inputs.properties.items()]
        yield section(f"{word} inputs", rows or [("anything" if inputs.is_open else "none",)])
        output = components.get(f"{prefix}Output") or {}
        yield section(f"{word} output", [(kind(output),), *_fields(output)])


def _row(name: str, prop: Mapping[str, Any], *, required: bool) -> tuple[str, str, str, str]:
    default = shortened(json.dumps(prop["default"], ensure_ascii=False), 40) if "default" in prop else ""
    need = "required" if required else f"= {default}" if default else "optional"
    return name, kind(prop), need, "; ".join(_remarks(prop))


def _remarks(prop: Mapping[str, Any]) -> Iterator[str]:
    if (description := prop.get("description")) not in {None, "", "An enumeration."}:
        yield shortened(str(description))
    if choices := prop.get("enum"):
        yield f"one of {shortened(', '.join(map(str, choices)))}"
    for key, word in (("minimum", "from"), ("maximum", "up to"), ("minLength", "at least"), ("maxLength", "at most")):
        if (value := prop.get(key)) is not None:
            yield f"{word} {value:g}{' characters' if key.endswith('Length') else ''}"
    if pattern := prop.get("pattern"):
        yield f"matches {pattern}"
    if accept := prop.get("x-cog-accept"):
        yield f"takes {accept}"
    if prop.get("deprecated"):
        yield "deprecated"


def kind(prop: Mapping[str, Any]) -> str:
    """Return a JSON schema's type in a few words."""
    if members := prop.get("anyOf"):
        return " or ".join(kind(member) for member in members)
    if prop.get("format") == "uri":
        return "file"
    if prop.get("format") == "password":
        return "secret"
    if prop.get("type") != "array":
        return str(prop.get("type", "anything"))
    items = kind(prop.get("items") or {})
    if prop.get("x-cog-array-display") == "concatenate":
        return f"{items}, streamed and put together"
    return f"stream of {items}" if prop.get("x-cog-array-type") == "iterator" else f"list of {items}"


def _fields(output: Mapping[str, Any]) -> Iterator[tuple[str]]:
    for name, prop in (output.get("properties") or {}).items():
        yield (f"  .{name}: {kind(prop)}",)
