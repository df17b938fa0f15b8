"""Plans as JSON: one form for storage, comparison and the plan's digest.

The form is tagged (``"kind"``), because two kinds of steps with equal fields must not look alike, and canonical:
keys sorted, no blanks, UTF-8. ``plan.schema.json`` beside this file is its JSON Schema, and the version number
changes when a reader of an older version could misread a plan.
"""

from __future__ import annotations

import hashlib
import json
import re
import types
from typing import Any, Final, Union, get_args, get_origin

import attrs

from cog_core.errors import UsageError
from cog_core.ir import steps
from cog_core.ir.hints import hints
from cog_core.ir.plan import BuildPlan
from cog_core.values import Platform, PythonVersion

PLAN_VERSION: Final = 1

_STEPS = (
    *(steps.Run, steps.Copy, steps.Write, steps.Env, steps.Workdir, steps.User),
    *(steps.SystemPackages, steps.PythonPackages, steps.Runtime, steps.Weights),
)
_MOUNTS = (steps.CacheMount, steps.SecretMount, steps.SshMount, steps.BindMount)
_BASES = (steps.PythonBase, steps.ImageBase)
_TEXTS = (PythonVersion, Platform)
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (*_STEPS, *_MOUNTS, *_BASES)}


def to_json(plan: BuildPlan, *, indent: int | None = None) -> str:
    """Return a plan as JSON text that :func:`from_json` reads back."""
    document = {"version": PLAN_VERSION, **_plain(plan)}
    return _dumps(document, indent=indent)


def digest(plan: BuildPlan) -> str:
    """Return ``sha256:...`` of the canonical JSON without origins and decisions.

    Two plans with one digest ask for the same image, wherever their files stand.
    """
    document = {"version": PLAN_VERSION, **_plain(plan, for_people=False)}
    return f"sha256:{hashlib.sha256(_dumps(document).encode()).hexdigest()}"


def from_json(text: str) -> BuildPlan:
    """Read a plan.

    Raises:
        UsageError: The text is no plan of this version; the message names the first thing that does not fit.
    """
    try:
        document = json.loads(text)
        version = document.pop("version", None)
        if version != PLAN_VERSION:
            raise UsageError(f"plan version {version!r} is not supported; this is version {PLAN_VERSION}")
        return BuildPlan(**_fields(BuildPlan, document))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"not a build plan: {error}") from error


def _dumps(document: Any, *, indent: int | None = None) -> str:
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=indent, separators=separators)
    return re.sub("[\ud800-\udfff]", lambda byte: f"\\u{ord(byte[0]):04x}", text)


def _plain(value: Any, *, for_people: bool = True) -> Any:
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item, for_people=for_people) for item in value]
    if not attrs.has(type(value)):
        return value
    kind = {"kind": type(value).__name__} if type(value).__name__ in KINDS else {}
    return kind | {
        field.name: _plain(getattr(value, field.name), for_people=for_people)
        for field in attrs.fields(type(value))
        if for_people or field.eq
    }


def _read(hint: Any, value: Any) -> Any:
    """Make a value of a type from its plain form.

    Raises:
        ValueError: It does not fit.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _read(_member(arguments, value), value)
    if origin is tuple:
        return _items(arguments, value)
    if attrs.has(hint) and hint not in _TEXTS:
        return hint(**_fields(hint, value))
    if type(value) is not (str if hint in _TEXTS else hint):
        raise ValueError(f"{value!r:.80} is no {hint.__name__}")
    return hint.parse(value) if hint in _TEXTS else value


def _member(members: tuple[Any, ...], value: Any) -> Any:
    """Return the member of a union that a value belongs to: by its tag, or as nothing, or the only other one."""
    if isinstance(value, dict) and "kind" in value:
        wanted = [member for member in members if member.__name__ == value["kind"]]
    else:
        wanted = [member for member in members if (member is types.NoneType) == (value is None)]
    if len(wanted) != 1:
        raise ValueError(f"{value!r:.80} cannot stand here")
    return wanted[0]


def _items(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if type(value) is not list:
        raise ValueError(f"{value!r:.80} is no list")
    if arguments[-1] is Ellipsis:
        return tuple(_read(arguments[0], item) for item in value)
    return tuple(_read(argument, item) for argument, item in zip(arguments, value, strict=True))


def _fields(kind: type[Any], document: Any) -> dict[str, Any]:
    if type(document) is not dict:
        raise ValueError(f"{document!r:.80} is no {kind.__name__}")
    fields = dict(document)
    if kind.__name__ in KINDS and fields.pop("kind", None) != kind.__name__:
        raise ValueError(f"{document!r:.80} is no {kind.__name__}")
    if unknown := sorted(fields.keys() - hints(kind).keys()):
        raise ValueError(f"{kind.__name__} has no {unknown[0]!r}")
    return {name: _read(hints(kind)[name], value) for name, value in fields.items()}
