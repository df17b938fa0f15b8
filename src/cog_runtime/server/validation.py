"""Checking inputs against the schema: compiled once, and cheap when everything is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from cog_runtime.server import mistakes
from cog_runtime.server.checks import Check, Components, compile_check, resolve

if TYPE_CHECKING:
    from cog_runtime.server.mistakes import Mistake


class Validator(NamedTuple):
    """The compiled ``Input`` of a schema.

    Attributes:
        schema: What it was compiled from.
        components: Where references lead.
        checks: By input, whether a value is right.
        required: Inputs that a request must have.
        nulls: Inputs that are null when a request leaves them out.
        files: Inputs that are files.
        open: Unknown inputs are kept.
    """

    schema: Mapping[str, Any]
    components: Components
    checks: dict[str, Check]
    required: tuple[str, ...]
    nulls: tuple[str, ...]
    files: frozenset[str]
    open: bool

    def __call__(self, inputs: Any) -> tuple[dict[str, Any], list[str]]:
        """Return the inputs as the model gets them, and the names of those that it does not know.

        Raises:
            Invalid: Something is missing or wrong.
        """
        if type(inputs) is not dict:
            raise Invalid(mistakes.find(inputs, self.schema, self.components))
        known: dict[str, Any] = {}
        unknown: list[str] = []
        checks = self.checks
        for name, value in inputs.items():
            check = checks.get(name)
            if check is not None:
                if not check(value):
                    raise Invalid(mistakes.find(inputs, self.schema, self.components))
                known[name] = value
            elif self.open:
                known[name] = value
            else:
                unknown.append(name)
        for name in self.required:
            if name not in known:
                raise Invalid(mistakes.find(inputs, self.schema, self.components))
        for name in self.nulls:
            known.setdefault(name, None)
        return known, unknown


class Invalid(Exception):
    """The inputs do not fit; ``mistakes`` has all of them."""

    def __init__(self, found: list[Mistake]) -> None:
        super().__init__(len(found))
        self.mistakes = found


def compile_input(components: Components, name: str) -> Validator | None:
    """Compile the component of this name; None when there is none."""
    schema = components.get(name)
    if schema is None:
        return None
    properties: Mapping[str, Any] = schema.get("properties", {})
    resolved = {key: resolve(inner, components) for key, inner in properties.items()}
    required = tuple(schema.get("required", ()))
    return Validator(
        schema=schema,
        components=components,
        checks={key: compile_check(inner, components) for key, inner in properties.items()},
        required=required,
        nulls=tuple(
            key
            for key, inner in resolved.items()
            if inner.get("nullable") and "default" not in inner and key not in required
        ),
        files=frozenset(key for key, inner in resolved.items() if _is_file(inner)),
        open=bool(schema.get("additionalProperties")),
    )


def _is_file(schema: Mapping[str, Any]) -> bool:
    inner = schema.get("items", schema) if schema.get("type") == "array" else schema
    return bool(inner.get("format") == "uri")
