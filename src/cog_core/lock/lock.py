"""From requirements to a lock: the project's ``cog.lock``, else the lock of the last time, else the indices."""

from __future__ import annotations

import hashlib
import json
import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from cog_core.clock import monotonic
from cog_core.config.findings import Findings, in_order
from cog_core.config.urls import logins, without_credentials
from cog_core.errors import LockError
from cog_core.events import StepFailed, StepFinished, StepStarted, ignore
from cog_core.ir.lower import RUNTIME_FOLDER
from cog_core.lock import store
from cog_core.lock.indices import gather
from cog_core.lock.locked import LocalArtifact, LockedPackages
from cog_core.lock.project_lock import NOTHING, find_in_project, wanted
from cog_core.lock.target import DEFAULT_GLIBC, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cog_core.events import Emit
    from cog_core.lock.indices import Indices
    from cog_core.lock.locked import Resolution
    from cog_core.lock.resolver import Question
    from cog_core.lock.store import LockTarget
    from cog_core.process import Runner
    from cog_core.resolve import RequirementLine, ResolvedBuild
    from cog_core.settings import Settings
    from cog_core.values import PythonVersion

ARTIFACTS_FOLDER = f"{RUNTIME_FOLDER}/artifacts"
"""Where an image keeps the wheels and archives of the project that its requirements name."""
_STEP = "lock"


def lock(
    resolved: ResolvedBuild,
    *,
    root: Path,
    settings: Settings,
    run: Runner,
    python: PythonVersion | None = None,
    glibc: tuple[int, int] = DEFAULT_GLIBC,
    refresh: bool = False,
    emit: Emit = ignore,
) -> LockedPackages:
    """Lock the Python packages of a build.

    A ``cog.lock`` that answers the requirements is used as it is. Otherwise the lock of the last time is, until
    ``refresh`` asks for newer packages: so two builds of one project give the same image, and the second needs no
    network. No code of any package runs on this machine.

    Args:
        resolved: The build.
        root: The project's folder.
        settings: Variables, home directory and cache.
        run: Starts the resolver.
        python: What the base's interpreter is, where that is known more exactly than in ``resolved``.
        glibc: Version of the base's C library, where it is known.
        refresh: Do not use the lock of the last time.
        emit: Gets the step ``lock`` when indices are asked.

    Raises:
        LockError: There is no set of versions, or no index answers.
        UsageError: ``COG_CA_CERT`` cannot be used.
    """
    target = Target.of(resolved, python=python, glibc=glibc)
    indices = gather(resolved.index, settings)
    question = wanted(resolved, root=root)
    findings = Findings()
    answer, source = find_in_project(root, question, findings), "cog.lock"
    wheels = tuple(line for line in resolved.requirements if not _is_built(line, indices))
    if answer is None and not wheels:
        answer, source = NOTHING, "nothing to lock"
    path = settings.cache / "locks" / f"{_key(question, target, indices)}.json"
    if answer is None and not refresh:
        answer, source = _remembered(path), "cache"
    if answer is None:
        from cog_core.lock.resolver import Question  # noqa: PLC0415 - slow to load, and most builds know the answer

        absent = tuple(sorted({line.name for line in resolved.requirements if line.name and line not in wheels}))
        asked = Question(lines=wheels, absent=absent, target=target, indices=indices, root=root, settings=settings)
        answer, source = _ask(asked, run, emit), "index"
        store.write(path, (attrs.evolve(question, resolution=answer),))
    return _locked(resolved, answer, source=source, indices=indices, target=target, findings=findings)


def _is_built(line: RequirementLine, indices: Indices) -> bool:
    return line.source or ":all:" in indices.no_binary or line.name in indices.no_binary


def _key(question: LockTarget, target: Target, indices: Indices) -> str:
    """Return what decides about a lock, as a file name.

    Neither the day nor the resolver's version is part of it: the same packages come until newer ones are asked for.
    """
    parts = [store.LOCK_VERSION, target.python_version, target.python_platform, indices.lines, question.requirements]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _remembered(path: Path) -> Resolution | None:
    try:
        targets = store.read(path)
    except LockError:  # a damaged cache is no cache
        return None
    return targets[0].resolution if targets else None


def _ask(question: Question, run: Runner, emit: Emit) -> Resolution:
    from cog_core.lock.resolver import resolve_packages  # noqa: PLC0415 - as above

    started = monotonic()
    emit(StepStarted(id=_STEP, name=f"lock Python packages for {question.target}"))
    try:
        answer = resolve_packages(question, run)
    except BaseException as error:
        emit(StepFailed(id=_STEP, message=str(error)))
        raise
    emit(StepFinished(id=_STEP, seconds=monotonic() - started))
    return answer


def _locked(
    resolved: ResolvedBuild, answer: Resolution, *, source: str, indices: Indices, target: Target, findings: Findings
) -> LockedPackages:
    artifacts = _artifacts(resolved.requirements)
    _tell(resolved, answer, target, findings)
    return LockedPackages(
        locked=tuple(package.line for package in answer.packages),
        unlocked=tuple(_unlocked(resolved, answer, indices, artifacts, findings)),
        index=indices.lines,
        artifacts=tuple(LocalArtifact(path=path, target=target) for path, target in artifacts.items()),
        freeze=tuple(package.requirement for package in answer.packages),
        source=source,
        resolution=answer,
        warnings=in_order(findings.warnings),
        notes=tuple(findings.notes),
    )


def _artifacts(lines: Iterable[RequirementLine]) -> dict[str, str]:
    """Give each file of the project a place in the image; the folders have numbers, as names may be equal."""
    paths = dict.fromkeys(line.artifact for line in lines if line.artifact is not None)
    return {path: f"{ARTIFACTS_FOLDER}/{number}/{posixpath.basename(path)}" for number, path in enumerate(paths)}


def _unlocked(
    resolved: ResolvedBuild, answer: Resolution, indices: Indices, artifacts: dict[str, str], findings: Findings
) -> Iterator[str]:
    """Yield the lines for the image: the author's, then what only other packages asked for."""
    moved: dict[str | None, str] = dict(answer.built)
    lines = [
        line for line in resolved.requirements if line.artifact or _is_built(line, indices) or line.name in moved
    ]
    hashed = all(line.hashes for line in lines) and not set(moved) - {line.name for line in lines}
    for line in lines:
        moved.pop(line.name, None)
        if line.hashes and not hashed:
            fact = f"the hashes of {without_credentials(line.text)} are not checked"
            findings.warn(fact, line.origin, "pip checks hashes only when everything that is built has some.")
        digests = [f"--hash={digest}" for digest in line.hashes] if hashed else []
        place = f"file://{quote(artifacts[line.artifact])}" if line.artifact else without_credentials(line.text)
        yield " ".join((place, *digests))
    yield from moved.values()


def _tell(resolved: ResolvedBuild, answer: Resolution, target: Target, findings: Findings) -> None:
    origins = {line.name: line.origin for line in resolved.requirements}
    for name, text in answer.built:
        fact = f"{without_credentials(text)} has no wheel for {target} and is built in the image"
        findings.note(fact, origins.get(name))
    for name, by in answer.dropped:
        findings.note(f"'{name}' is required by {by} — overriding with the built-in {name}", None)
    for line in resolved.requirements:
        if line.source and line.artifact is None and any(logins(line.text)):
            fact = f"the login in {without_credentials(line.text)} is not part of the image"
            hint = "The image's installer gets it as netrc; if git asks for it, use a command with a secret mount."
            findings.warn(fact, line.origin, hint)
