"""The inputs of a model, read back from its OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class InputSchema:
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
        components = (document.get("components") or {}).get("schemas") or {}
        schema = components.get(component) or {}
        properties = {name: _resolved(prop, components) for name, prop in (schema.get("properties") or {}).items()}
        ordered = dict(sorted(properties.items(), key=lambda item: item[1].get("x-order", 0)))
        is_open = not properties and bool(schema.get("additionalProperties"))
        return cls(ordered, tuple(schema.get("required") or ()), is_open)

    def without_name(self) -> str | None:
        """Return the input that a value without a name means: ``input``, the only required one, or the first."""
        if "input" in self.properties:
            return "input"
        if len(self.required) == 1:
            return self.required[0]
        return next(iter(self.properties), None) if len(self.properties) == 1 else None


def _resolved(prop: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace ``allOf: [{$ref}]``, which stands for choices, by the enumeration itself."""
    references = [part.get("$ref") for part in prop.get("allOf") or () if isinstance(part, dict)]
    for reference in filter(None, references):
        target = components.get(reference.rpartition("/")[2]) or {}
        return {**target, **{key: value for key, value in prop.items() if key != "allOf"}}
    return prop
