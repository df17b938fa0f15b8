"""A build as a folder that anybody can build with Docker alone: Dockerfile, contexts, and the command."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.context import BuildContext, materialise
from cog_core.errors import UsageError
from cog_core.ir import Run, SecretMount, SshMount, lower
from cog_core.ir.dockerfile import CLASSIC, FILES, MODERN, Dialect, render
from cog_core.ir.steps import PROJECT
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_core.draft import Draft
    from cog_core.ir import BuildPlan
    from cog_core.ir.dockerfile import Dockerfile
    from cog_core.ir.steps import Mount
    from cog_core.tools import Tools

SCRIPT: Final = "build.sh"
DIALECTS: Final = {"modern": MODERN, "early": Dialect(mounts=True, prefixes=True), "classic": CLASSIC}
"""For Docker 23 and later, for the BuildKit of Docker 20.10, and for the builder before BuildKit.

Only the first knows contexts by name; for the others they are folders of one context.
"""
_NO_RULES: Final = "# Everything in the contexts takes part: what the project leaves out was not copied.\n"


@attrs.frozen
class Script(Frozen):
    """A shell script: its name in the folder, and its text."""

    name: str
    text: str


def dockerfile_of(drafted: Draft, dialect: str = "modern") -> Dockerfile:
    """Return the Dockerfile of a plan in one of ``DIALECTS``.

    Raises:
        UsageError: There is no such dialect.
    """
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect {dialect!r}", hint=f"Use one of {', '.join(DIALECTS)}.")
    return render(lower(drafted.plan, frozenset()), DIALECTS[dialect])


def write_folder(
    folder: Path, drafted: Draft, dockerfile: Dockerfile, kit: Tools, *, name: str, dialect: str = "modern"
) -> Script:
    """Write the folder, whole or not at all, and return the script that builds it.

    Raises:
        UsageError: The folder is there and holds something, or has no place.
        LockError: The runtime's packages cannot be had.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", hint="Name a new folder.")
    if folder.resolve().is_relative_to(drafted.project.root.resolve()):
        raise UsageError(
            f"{folder} lies in the project, and would become part of it", hint="Name a folder outside of the project."
        )
    if not folder.parent.is_dir():
        raise UsageError(f"there is no folder {folder.parent}", hint="Make it first, or name another one.")
    contexts = drafted.contexts(kit)
    script = script_of(drafted.plan, dockerfile, name=name, dialect=dialect)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        whole = Path(scratch) / "folder"
        whole.mkdir()
        _fill(whole, drafted, dockerfile, contexts, script)
        if folder.exists():
            folder.rmdir()
        whole.replace(folder)
    return script


def _fill(
    folder: Path, drafted: Draft, dockerfile: Dockerfile, contexts: Mapping[str, BuildContext], script: Script
) -> None:
    (folder / "Dockerfile").write_text(dockerfile.text, "utf-8")
    (folder / "Dockerfile.dockerignore").write_text(_NO_RULES, "utf-8")
    for name in (PROJECT, *dockerfile.contexts):
        if name == FILES:
            _write_files(folder / FILES, dockerfile, drafted.plan.created)
        else:
            materialise(contexts[name], folder / name)
            _unshare(folder / name)
    path = folder / script.name
    path.write_text(script.text, "utf-8")
    path.chmod(0o755)


def _unshare(folder: Path) -> None:
    """Make copies of hard links, so that nobody changes the project or our cache by editing the folder."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent) / name for name in names):
            if not path.is_symlink() and path.lstat().st_nlink > 1:
                copy = path.with_name(f".{path.name}.copy")
                shutil.copy2(path, copy)
                copy.replace(path)


def _write_files(folder: Path, dockerfile: Dockerfile, mtime: int) -> None:
    for file in dockerfile.files:
        path = folder / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, "utf-8", newline="")
        path.chmod(file.mode)
        os.utime(path, (mtime, mtime))


def script_of(plan: BuildPlan, dockerfile: Dockerfile, *, name: str, dialect: str = "modern") -> Script:
    """Return the script that builds a folder.

    Args:
        plan: What is built.
        dockerfile: Its Dockerfile, in the same dialect.
        name: Of the image.
        dialect: One of ``DIALECTS``.
    """
    program = {"modern": "${DOCKER:-docker} buildx build", "early": "DOCKER_BUILDKIT=1 ${DOCKER:-docker} build"}
    words = [
        program.get(dialect, "DOCKER_BUILDKIT=0 ${DOCKER:-docker} build"),
        *_words(plan, dockerfile, name, dialect),
    ]
    command = " \\\n    ".join(words)
    return Script(SCRIPT, f'#!/bin/sh\n{"".join(_needs(plan, dialect))}cd "$(dirname "$0")" &&\n{command}\n')


def _needs(plan: BuildPlan, dialect: str) -> Iterator[str]:
    """Yield remarks about what the folder does not hold; the classic builder has no mounts that could give it."""
    mounts = () if dialect == "classic" else _mounts(plan)
    for id_ in dict.fromkeys(mount.id for mount in mounts if isinstance(mount, SecretMount)):
        yield f"# This build may need a secret; add: --secret id={id_},src=FILE\n"
    if any(isinstance(mount, SshMount) for mount in mounts):
        yield "# This build asks your SSH agent; another one's socket can stand in place of $SSH_AUTH_SOCK.\n"


def _mounts(plan: BuildPlan) -> tuple[Mount, ...]:
    steps = lower(plan, frozenset()).steps
    return tuple(mount for step in steps if isinstance(step, Run) for mount in step.mounts)


def _words(plan: BuildPlan, dockerfile: Dockerfile, name: str, dialect: str) -> Iterator[str]:
    """Yield the options, each with its value, and the context."""
    yield "--file Dockerfile"
    if dialect == "modern":
        yield "--load"
        yield "--provenance=false"
        yield f"--build-arg SOURCE_DATE_EPOCH={plan.created}"
        for context in dockerfile.contexts:
            yield f"--build-context {context}={context}"
    if dialect != "classic":
        yield f"--platform {plan.platform}"
        for id_ in dict.fromkeys(mount.id for mount in _mounts(plan) if isinstance(mount, SshMount)):
            yield f'--ssh {id_}="$SSH_AUTH_SOCK"'
    for label, value in dockerfile.labels:
        yield f"--label {shlex.quote(f'{label}={value}')}"
    yield f"--tag {shlex.quote(name)}"
    yield PROJECT if dialect == "modern" else "."
