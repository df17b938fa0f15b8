"""The JSON Schema of plans, derived from the steps themselves, so that it cannot fall behind them."""

from __future__ import annotations

import types
from typing import Any, Final, Union, get_args, get_origin

from cog_core import errors, values
from cog_core.ir.canonical import KINDS, PLAN_VERSION
from cog_core.ir.hints import hints
from cog_core.ir.plan import BuildPlan, Decision, ImageConfig, Stage

_SCALARS: Final = {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}}
_TEXTS: Final = {
    values.PythonVersion: {"type": "string", "pattern": r"^3\.\d+(\.\d+)?$"},
    values.Platform: {"type": "string", "pattern": "^[^/]+/[^/]+(/[^/]+)?$"},
}


def json_schema() -> dict[str, Any]:
    """Return the schema of what :func:`cog_core.ir.to_json` writes (JSON Schema, draft 2020-12)."""
    kinds = (*KINDS.values(), Stage, ImageConfig, Decision, errors.Origin)
    plan = _object(BuildPlan)
    plan["properties"] = {"version": {"const": PLAN_VERSION}, **plan["properties"]}
    plan["required"] = ["version", *plan["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Build plan",
        "description": "An image before it is built, as `cog plan --json` prints it",
        **plan,
        "$defs": {kind.__name__: _object(kind) for kind in sorted(kinds, key=lambda kind: kind.__name__)},
    }


def _object(kind: type[Any]) -> dict[str, Any]:
    properties = {name: _of(hint) for name, hint in hints(kind).items()}
    if kind.__name__ in KINDS:
        properties = {"kind": {"const": kind.__name__}, **properties}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind of type
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if hint in _TEXTS:
        return dict(_TEXTS[hint])
    if hint is types.NoneType:
        return {"type": "null"}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_of(argument) for argument in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _of(arguments[0])}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_of(argument) for argument in arguments],
            "items": False,
            "minItems": len(arguments),
        }
    return {"$ref": f"#/$defs/{hint.__name__}"}
