"""Checking inputs against the schema: compiled once, and cheap when everything is right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from cog_runtime.server import mistakes
from cog_runtime.server.checks import Check, Components, compile_check, resolve

if TYPE_CHECKING:
    from cog_runtime.server.mistakes import Mistake


_HIDDEN = "**********"
"""What is shown instead of a secret: the text of the SDK's ``Secret``."""


class Validator(NamedTuple):
    """The compiled ``Input`` of a schema.

    Attributes:
        schema: What it was compiled from.
        components: Where references lead.
        checks: By input, whether a value is right.
        required: Inputs that a request must have.
        nulls: Inputs that are null when a request leaves them out.
        files: Inputs that are files.
        secrets: Inputs that nobody may see, or that have such values inside.
        open: Unknown inputs are kept.
    """

    schema: Mapping[str, Any]
    components: Components
    checks: dict[str, Check]
    required: tuple[str, ...]
    nulls: tuple[str, ...]
    files: frozenset[str]
    secrets: frozenset[str]
    open: bool

    def __call__(self, inputs: Any) -> tuple[dict[str, Any], list[str]]:
        """Return the inputs as the model gets them, and the names of those that it does not know.

        Raises:
            Invalid: Something is missing or wrong.
        """
        if type(inputs) is not dict:
            raise self._invalid(inputs)
        known: dict[str, Any] = {}
        unknown: list[str] = []
        checks = self.checks
        for name, value in inputs.items():
            check = checks.get(name)
            if check is not None:
                if not check(value):
                    raise self._invalid(inputs)
                known[name] = value
            elif self.open:
                known[name] = value
            else:
                unknown.append(name)
        for name in self.required:
            if name not in known:
                raise self._invalid(inputs)
        for name in self.nulls:
            known.setdefault(name, None)
        return known, unknown

    def shown(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs as clients may see them."""
        return {name: _hide(value) if name in self.secrets else value for name, value in inputs.items()}

    def _invalid(self, inputs: Any) -> Invalid:
        found = mistakes.find(inputs, self.schema, self.components)
        return Invalid([self._without_secrets(each, inputs) for each in found] if self.secrets else found)

    def _without_secrets(self, mistake: Mistake, inputs: Any) -> Mistake:
        """Return the mistake without the value that its message begins with, where that is or holds a secret."""
        if mistake.missing:
            return mistake
        value = inputs
        if isinstance(inputs, dict):
            name = next((each for each in self.secrets if f"{mistake.where}/".startswith(f"{each}/")), None)
            if name is None:
                return mistake
            value = inputs[name]
            for step in mistake.where[len(name) + 1 :].split("/") if mistake.where != name else ():
                value = value[int(step)] if isinstance(value, list) else value[step]
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return mistake._replace(message=f'"{_HIDDEN}"{mistake.message[len(text) :]}')


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
        secrets=frozenset(key for key, inner in resolved.items() if _is_secret(inner, components)),
        open=bool(schema.get("additionalProperties")),
    )


def _is_file(schema: Mapping[str, Any]) -> bool:
    inner = schema.get("items", schema) if schema.get("type") == "array" else schema
    return bool(inner.get("format") == "uri")


def _is_secret(schema: Mapping[str, Any], components: Components) -> bool:
    """Return whether values of this schema are secrets, or may have some inside."""
    schema = resolve(schema, components)
    if schema.get("x-cog-secret") or schema.get("format") == "password":
        return True
    inner = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("properties", {}).values()]
    if "items" in schema:
        inner.append(schema["items"])
    return any(_is_secret(each, components) for each in inner)


def _hide(value: Any) -> Any:
    """Return a value without the secrets in it; that there is none is no secret."""
    if isinstance(value, list):
        return [_hide(each) for each in value]
    if isinstance(value, dict):
        return {name: _hide(each) for name, each in value.items()}
    return _HIDDEN if value else value
