"""The file ``cog.lock`` in a project: whether it answers the requirements, and how it is written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import attrs

from cog_core.config.urls import without_credentials
from cog_core.errors import Origin
from cog_core.lock import store
from cog_core.lock.locked import Resolution
from cog_core.lock.store import LOCK_FILE, LockTarget

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cog_core.config.findings import Findings
    from cog_core.lock.locked import LockedPackages
    from cog_core.resolve import RequirementLine, ResolvedBuild

NOTHING = Resolution()


def wanted(resolved: ResolvedBuild, *, root: Path) -> LockTarget:
    """Return what a lock must answer, with no answer yet."""
    asked = sorted({_asked(line, root) for line in resolved.requirements})
    return LockTarget(
        python=resolved.python.series, platform=str(resolved.platform), requirements=tuple(asked), resolution=NOTHING
    )


def find_in_project(root: Path, question: LockTarget, findings: Findings) -> Resolution | None:
    """Return the answer of the project's ``cog.lock``; None with a warning when it answers something else.

    Raises:
        LockError: The file cannot be read.
    """
    targets = store.read(root / LOCK_FILE)
    if targets is None:
        return None
    same = [each for each in targets if (each.python, each.platform) == (question.python, question.platform)]
    if same and same[0].requirements == question.requirements:
        return same[0].resolution
    why = _changes(same[0].requirements, question.requirements) if same else _elsewhere(targets, question)
    origin = Origin(file=LOCK_FILE)
    findings.warn(f"{LOCK_FILE} is not used: {why}", origin, f"Write {LOCK_FILE} anew, or delete it.")
    return None


def write_lock_file(root: Path, resolved: ResolvedBuild, locked: LockedPackages) -> Path:
    """Write a lock into the project's ``cog.lock``; what the file says about other targets stays.

    Raises:
        LockError: There is a ``cog.lock`` that cannot be read.
    """
    path = root / LOCK_FILE
    answer = attrs.evolve(wanted(resolved, root=root), resolution=locked.resolution)
    others = (
        each for each in store.read(path) or () if (each.python, each.platform) != (answer.python, answer.platform)
    )
    store.write(path, (*others, answer))
    return path


def _asked(line: RequirementLine, root: Path) -> str:
    """Return one requirement as a lock remembers it; a file of the project by what it holds."""
    text = without_credentials(line.text)
    if line.artifact is not None:
        text = f"{line.artifact} sha256:{hashlib.sha256((root / line.artifact).read_bytes()).hexdigest()}"
    return " ".join((text, *sorted(line.hashes)))


def _changes(before: Iterable[str], now: Iterable[str]) -> str:
    before, now = set(before), set(now)
    parts = [f"{each!r} is new" for each in sorted(now - before)] + [
        f"{each!r} is gone" for each in sorted(before - now)
    ]
    return "in the requirements " + ", ".join(parts)


def _elsewhere(targets: Iterable[LockTarget], question: LockTarget) -> str:
    there = ", ".join(f"Python {each.python} on {each.platform}" for each in targets) or "nothing"
    return f"it is for {there}, not for Python {question.python} on {question.platform}"
