"""What exactly is wrong with inputs that do not fit: the slow way, taken after the quick one has said no.

Texts and order are those of upstream's server: properties by name, then keywords by name.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Tuple

from cog_runtime.server.checks import compile_check, resolve

Path = Tuple[str, ...]


class Mistake(NamedTuple):
    """One thing that is wrong.

    Attributes:
        where: Name of the input, and what is inside of it, joined by slashes.
        message: What is wrong.
        missing: Nothing is there at all.
    """

    where: str
    message: str
    missing: bool = False


def find(inputs: Any, schema: Mapping[str, Any], components: Mapping[str, Any]) -> list[Mistake]:
    """Return everything that is wrong with the inputs."""
    return list(_mistakes(inputs, schema, components, ()))


def _mistakes(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    schema = resolve(schema, components)
    for keyword in sorted(schema):
        if keyword == "allOf":
            for inner in schema["allOf"]:
                yield from _mistakes(value, inner, components, path)
        elif keyword == "items" and isinstance(value, list):
            for index, each in enumerate(value):
                yield from _mistakes(each, schema["items"], components, (*path, str(index)))
        elif keyword == "properties" and isinstance(value, dict):
            for name in sorted(schema["properties"]):
                if name in value:
                    yield from _mistakes(value[name], schema["properties"][name], components, (*path, name))
        elif keyword == "required" and isinstance(value, dict):
            for name in schema["required"]:
                if name not in value:
                    yield Mistake("/".join((*path, name)), "Field required", missing=True)
        else:
            yield from _one(value, schema, components, keyword, path)


def _one(
    value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], keyword: str, path: Path
) -> Iterator[Mistake]:
    say = _MESSAGES.get(keyword)
    if say is not None and not compile_check({keyword: schema[keyword]}, components)(value):
        yield Mistake("/".join(path) or "__root__", f"{_json(value)} {say(schema[keyword])}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


_MESSAGES: Mapping[str, Callable[[Any], str]] = {
    "anyOf": lambda _: "is not valid under any of the schemas listed in the 'anyOf' keyword",
    "enum": lambda choices: f"is not one of {_json(choices)}",
    "maxLength": lambda limit: f"is longer than {_characters(limit)}",
    "maximum": lambda limit: f"is greater than the maximum of {_json(limit)}",
    "minLength": lambda limit: f"is shorter than {_characters(limit)}",
    "minimum": lambda limit: f"is less than the minimum of {_json(limit)}",
    "pattern": lambda text: f"does not match {_json(text)}",
    "type": lambda kind: f"is not of type {_json(kind)}",
}
