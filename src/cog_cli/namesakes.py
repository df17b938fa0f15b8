"""Other programs and packages of this machine that are called ``cog`` as well and may be met instead of us."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.settings import Settings

_OURS = "cog_cli"
_LARGEST_SCRIPT = 1 << 16


def namesakes(settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each."""
    return (*_programs(settings.environ.get("PATH", "")), *_packages())


def _programs(path: str) -> Iterator[str]:
    """Name programs that a shell would start before ours, or that stand behind it."""
    ours_was_met = False
    seen: set[Path] = set()
    for folder in filter(None, path.split(os.pathsep)):
        # Not by pathlib, which fails in folders that this user may not search.
        found = shutil.which("cog", path=folder)
        program = Path(found or folder)
        if not found or program.resolve() in seen:
            continue
        seen.add(program.resolve())
        if _is_ours(program):
            ours_was_met = True
        elif ours_was_met:
            yield f"{program} is another program named cog; ours comes first on PATH"
        else:
            yield f"{program} is another program named cog, and the one that a shell starts"


def _is_ours(program: Path) -> bool:
    try:
        with program.open("rb") as stream:
            return _OURS.encode() in stream.read(_LARGEST_SCRIPT)
    except OSError:
        return False


def _packages() -> Iterator[str]:
    here = Path(__file__).resolve().parent.parent
    for name in ("cog", "coglet"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is not None and origin != here / name / "__init__.py":
            yield f"`import {name}` finds {origin}, which is not ours"
    owners = importlib.metadata.packages_distributions().get("cog", [])
    for owner in sorted(set(owners) - {"cog-core"}):
        yield f"the distribution {owner} also brings a package named cog"
