"""The inputs of a model, read back from its OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class InputSchema(Frozen):
    """What a model takes.

    Attributes:
        properties: JSON schemas by input name, references to enumerations resolved.
        required: Names that must be given.
        is_open: The model takes anything, as those of the first generations may.
    """

    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...] = ()
    is_open: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any], *, component: str = "Input") -> InputSchema:
        """Read the inputs of a prediction, or of a training (``TrainingInput``)."""
        components = _mapping(_mapping(document.get("components")).get("schemas"))
        schema = _mapping(components.get(component))
        properties = {
            name: _resolved(_mapping(prop), components) for name, prop in _mapping(schema.get("properties")).items()
        }
        ordered = dict(sorted(properties.items(), key=lambda item: _order(item[1])))
        is_open = not properties and bool(schema.get("additionalProperties"))
        required = schema.get("required")
        return cls(ordered, tuple(map(str, required)) if isinstance(required, list) else (), is_open)

    def without_name(self) -> str | None:
        """Return the input that a value without a name means: ``input``, the only required one, or the first."""
        if "input" in self.properties:
            return "input"
        if len(self.required) == 1:
            return self.required[0]
        return next(iter(self.properties), None) if len(self.properties) == 1 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a value that should be a mapping, since a label of a stranger's image can hold anything."""
    return value if isinstance(value, dict) else {}


def _order(prop: Mapping[str, Any]) -> float:
    order = prop.get("x-order", 0)
    return order if isinstance(order, int | float) else 0


def _resolved(prop: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace ``allOf: [{$ref}]``, which stands for choices, by the enumeration itself."""
    parts = prop.get("allOf")
    references = [part.get("$ref") for part in (parts if isinstance(parts, list) else ()) if isinstance(part, dict)]
    for reference in filter(None, references):
        target = _mapping(components.get(str(reference).rpartition("/")[2]))
        return {**target, **{key: value for key, value in prop.items() if key != "allOf"}}
    return prop
