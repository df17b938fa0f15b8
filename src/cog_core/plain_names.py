"""Files whose names builders would take for patterns, given to them under names that mean nothing else."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.context import BuildContext, EntryKind
from cog_core.ir import Copy, Write
from cog_core.staging import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.backend import BuildRequest
    from cog_core.ir import Step

ODD: Final = "odd"
"""Context of such files, where each has a number for its name."""
_PLAIN: Final = re.compile(r"(?!-)[\w@%+=:,./-]+")
"""Others are patterns or worse: BuildKit takes ``!`` for an exception from what is sent and drops blanks that begin a
name, and buildah takes what a pattern found for a pattern."""


def with_plain_names(request: BuildRequest, folder: Path, *, renames: bool = True) -> BuildRequest:
    """Return a request whose steps name no file that a builder would take for a pattern.

    Nothing is changed where all names are plain. A file that is missing is left for the builder to miss.

    Args:
        request: What is built.
        folder: Of the build; a context is made there if it is needed.
        renames: The builder can give a copied file a name with any letters, which buildah 1.28 cannot: then the file
            gets its name here, and the folder around it is copied.
    """
    steps = [_plain(step, str(number), request, folder / ODD) for number, step in enumerate(request.plan.steps)]
    if not (folder / ODD).exists():
        return request
    if not renames:
        steps = [_in_a_folder(step, folder / ODD) for step in steps]
    contexts = {**request.contexts, ODD: BuildContext(folder / ODD)}
    return attrs.evolve(request, plan=request.plan.with_steps(*steps), contexts=contexts)


def _plain(step: Step, name: str, request: BuildRequest, folder: Path) -> Step:
    match step:
        case Copy(source=source) if not _PLAIN.fullmatch(source) and _is_laid_out(step, request, folder / name):
            return attrs.evolve(step, context=ODD, source=name)
        case Write(path=path) if not _PLAIN.fullmatch(path):
            folder.mkdir(exist_ok=True)
            write_file(step, folder / name, request.plan.created)
            return Copy(context=ODD, source=name, target=path, origin=step.origin)
        case _:
            return step


def _in_a_folder(step: Step, folder: Path) -> Step:
    """Put a lone file into a folder under its name in the image, and return the step that copies the folder."""
    if not isinstance(step, Copy) or step.context != ODD or (folder / step.source).is_dir():
        return step
    above, _, name = step.target.rpartition("/")
    file = (folder / step.source).rename(folder / "renamed")
    (folder / step.source).mkdir()
    file.rename(folder / step.source / name)
    return attrs.evolve(step, target=above or "/")


def _is_laid_out(step: Copy, request: BuildRequest, target: Path) -> bool:
    """Copy what a step means, as far as it is part of its context."""
    context, below = request.contexts[step.context], f"{step.source}/"
    found = [entry for entry in context.entries if entry.path == step.source or entry.path.startswith(below)]
    for entry in found:
        path, source = target / entry.path[len(below) :], context.path_of(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind is EntryKind.FOLDER:
            path.mkdir(mode=entry.mode, exist_ok=True)
        else:
            shutil.copy2(source, path, follow_symlinks=False)
    return bool(found)
