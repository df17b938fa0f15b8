"""Rules for managed weights (reference, sections 1.3 and 1.4)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cog_core.config.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.config.model import Config, Weight, WeightSource

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_NAME_RULE = (
    'must contain only lowercase alphanumeric characters, hyphens, dots, or underscores (e.g. "my-model-weights")'
)


def check_weights(config: Config) -> Iterator[Finding]:
    """Yield every rule about ``weights`` that is not kept."""
    if not config.weights:
        return
    if config.image and not config.model:
        yield Finding(path="image", message="weights require 'model', not 'image' — rename 'image' to 'model'")
    elif not config.model:
        hint = "Write model: and the repository that the weights are pushed to."
        yield Finding(path="model", message="weights require 'model' in cog.yaml", hint=hint)
    names: set[str] = set()
    targets: list[str] = []
    for index, weight in enumerate(config.weights):
        path = f"weights[{index}]"
        yield from _name(weight, path, names)
        yield from _target(weight, path, targets)
        if not weight.source:
            yield Finding(path=f"{path}.source", message="source is required")
        for number, source in enumerate(weight.source):
            yield from _source(source, f"{path}.source[{number}]")


def _name(weight: Weight, path: str, seen: set[str]) -> Iterator[Finding]:
    name = weight.name
    if not name:
        yield Finding(path=f"{path}.name", message="name is required")
    elif not _NAME.fullmatch(name):
        yield Finding(path=f"{path}.name", message=_NAME_RULE, value=name)
    elif name in seen:
        yield Finding(path=f"{path}.name", message="duplicate weight name", value=name)
    else:
        seen.add(name)


def _target(weight: Weight, path: str, seen: list[str]) -> Iterator[Finding]:
    target = weight.target
    if not target:
        yield Finding(path=f"{path}.target", message="target is required")
        return
    clean = PurePosixPath("/", *_resolved(target))
    overlap = next((other for other in seen if _overlap(PurePosixPath("/", *_resolved(other)), clean)), None)
    if not target.startswith("/"):
        message = "target must be an absolute path"
    elif clean == PurePosixPath("/"):
        message = 'target must not be the container root "/"'
    elif overlap is not None and PurePosixPath("/", *_resolved(overlap)) == clean:
        message = "duplicate weight target"
    elif overlap is not None:
        message = f'target overlaps with "{overlap}"; weight targets must be disjoint'
    else:
        seen.append(target)
        return
    yield Finding(path=f"{path}.target", message=message, value=target)


def _resolved(path: str) -> list[str]:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return parts


def _overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one == other or one in other.parents or other in one.parents


def _source(source: WeightSource, path: str) -> Iterator[Finding]:
    if not source.uri:
        yield Finding(path=f"{path}.uri", message="uri is required")
    for key in ("include", "exclude"):
        for index, pattern in enumerate(getattr(source, key)):
            if message := _pattern_problem(pattern):
                yield Finding(path=f"{path}.{key}[{index}]", message=message, value=pattern or None)


def _pattern_problem(pattern: str) -> str | None:
    if not pattern.strip():
        return "pattern must not be empty"
    if pattern.startswith("!"):
        return "negation patterns (starting with '!') are not supported"
    return "patterns must use forward slashes, not backslashes" if "\\" in pattern else None
