"""Plans as JSON: one form for storage, comparison and the plan's digest.

The form is tagged (``"kind"``), because two kinds of steps with equal fields must not look alike, and canonical:
keys sorted, no blanks, UTF-8. ``plan.schema.json`` beside this file is its JSON Schema, and the version number
changes when a reader of an older version could misread a plan.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.errors import Origin, UsageError
from cog_core.ir import steps
from cog_core.ir.plan import BuildPlan, Decision, ImageConfig, Stage
from cog_core.values import Platform, PythonVersion

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN_VERSION: Final = 1

_STEPS = (
    *(steps.Run, steps.Copy, steps.Write, steps.Env, steps.Workdir, steps.User),
    *(steps.SystemPackages, steps.PythonPackages, steps.Runtime, steps.Weights),
)
_MOUNTS = (steps.CacheMount, steps.SecretMount, steps.BindMount)
_BASES = (steps.PythonBase, steps.ImageBase)
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (*_STEPS, *_MOUNTS, *_BASES)}


def to_json(plan: BuildPlan, *, indent: int | None = None) -> str:
    """Return a plan as JSON text that :func:`from_json` reads back."""
    document = {"version": PLAN_VERSION, **_plain(plan)}
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=indent, separators=separators)


def digest(plan: BuildPlan) -> str:
    """Return ``sha256:...`` of the canonical JSON without origins and decisions.

    Two plans with one digest ask for the same image, wherever their files stand.
    """
    document = {"version": PLAN_VERSION, **_plain(plan, for_people=False)}
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def from_json(text: str) -> BuildPlan:
    """Read a plan.

    Raises:
        UsageError: The text is no plan of this version; the message names the first thing that does not fit.
    """
    try:
        document = json.loads(text)
        version = document.pop("version")
        if version != PLAN_VERSION:
            raise UsageError(f"plan version {version!r} is not supported; this is version {PLAN_VERSION}")
        return _plan(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"not a build plan: {error}") from error


def _plain(value: Any, *, for_people: bool = True) -> Any:
    if isinstance(value, (PythonVersion, Platform)):
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


def _plan(document: dict[str, Any]) -> BuildPlan:
    stage = document["stage"]
    return BuildPlan(
        stage=Stage(base=_tagged(stage["base"], _BASES), steps=tuple(_tagged(s, _STEPS) for s in stage["steps"])),
        config=ImageConfig(**{key: _tuples(value) for key, value in document["config"].items()}),
        platform=Platform.parse(document["platform"]),
        created=int(document["created"]),
        decisions=tuple(Decision(**decision) for decision in document.get("decisions", ())),
    )


_READERS: dict[str, Callable[[Any], Any]] = {
    "origin": lambda value: Origin(**value) if value else None,
    "mounts": lambda value: tuple(_tagged(mount, _MOUNTS) for mount in value),
    "version": PythonVersion.parse,
    "python": lambda value: PythonVersion.parse(value) if value else None,
}


def _tagged(document: dict[str, Any], allowed: tuple[type[Any], ...]) -> Any:
    fields = dict(document)
    kind = KINDS[fields.pop("kind")]
    if kind not in allowed:
        raise ValueError(f"{kind.__name__} cannot stand here")
    return kind(**{name: _READERS.get(name, _tuples)(value) for name, value in fields.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
