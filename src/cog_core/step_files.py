"""What the steps of a plan bring, as entries of a layer: equal inputs give equal entries on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.context import EntryKind
from cog_core.errors import BackendError
from cog_core.ir import Copy, Weights
from cog_core.ir.lower import RUNTIME_FOLDER, STARTUP_FILE
from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_core.context import BuildContext
    from cog_core.context import Entry as Found
    from cog_core.ir import BuildPlan, Workdir, Write
    from cog_core.values import PythonLayout
    from cog_oci.tree import Tree

_EXECUTABLE = 0o111


def of_context(context: BuildContext, target: str, *, mtime: int, source: str = ".") -> Iterator[Entry]:
    """Yield the files of a context below a folder of the image.

    Args:
        context: The files.
        target: Absolute path; a folder, or the file's own path when ``source`` is a file.
        mtime: Time of everything, in seconds since 1970.
        source: A file or a folder of the context, or ``.`` for all of it.
    """
    place = target.strip("/")
    prefix = "" if source == "." else source.strip("/")
    for found in context.entries:
        if not prefix:
            path = f"{place}/{found.path}"
        elif found.path == prefix:
            path = place
        elif found.path.startswith(f"{prefix}/"):
            path = f"{place}/{found.path.removeprefix(f'{prefix}/')}"
        else:
            continue
        if path:  # a folder that is copied to the root: that is there
            yield _entry(found, path.lstrip("/"), context.path_of(found), mtime)


def _entry(found: Found, path: str, source: Path, mtime: int) -> Entry:
    match found.kind:
        case EntryKind.FOLDER:
            return Entry(path=path, kind=Kind.FOLDER, mode=0o755, mtime=mtime)
        case EntryKind.LINK:
            return Entry(path=path, kind=Kind.SYMLINK, mode=0o777, target=found.target, mtime=mtime)
        case _:
            mode = 0o755 if found.mode & _EXECUTABLE else 0o644
            return Entry(path=path, mode=mode, content=source, mtime=mtime)


def of_copy(step: Copy, context: BuildContext, *, mtime: int) -> tuple[Entry, ...]:
    """Return what a copy brings.

    Raises:
        BackendError: There is nothing of that name in the context.
    """
    entries = tuple(of_context(context, step.target, mtime=mtime, source=step.source))
    if not entries and step.source != ".":
        raise BackendError(f"{step.source} is not among the files of the build", origin=step.origin)
    return entries or (folder(step.target, mtime=mtime),)


def of_write(step: Write, *, mtime: int) -> Entry:
    """Return a generated file."""
    return Entry(path=step.path.strip("/"), mode=step.mode, content=step.content.encode(), mtime=mtime)


def of_workdir(step: Workdir, plan: BuildPlan, below: Callable[[], Tree], *, mtime: int) -> tuple[Entry, ...]:
    """Return the folder to work in, and those above it, as they are where they are; nothing for the root.

    Args:
        step: Says which folder.
        plan: One that it fills itself is taken as new, so that nothing has to be read.
        below: Reads what the folder is laid over.
        mtime: Time of everything, in seconds since 1970.

    Raises:
        BackendError: Something that is no folder is in the way.
    """
    if is_filled(step, plan):
        return (folder(step.path, mtime=mtime),)
    tree = below()
    real = _real(step.path, tree)
    paths = [real[:end] for end, letter in enumerate(f"{real}/") if letter == "/" and end]
    from cog_oci.archive_reader import MemberKind  # noqa: PLC0415 - slow to load, and most plans come not so far
    from cog_oci.tree import Node  # noqa: PLC0415

    nodes = [tree.nodes.get(path, Node(path=path, kind=MemberKind.FOLDER)) for path in paths]
    if strangers := [node for node in nodes if node.kind is not MemberKind.FOLDER]:
        raise BackendError(f"{step.path} cannot be made: /{strangers[0].path} is no folder", origin=step.origin)
    return tuple(
        attrs.evolve(folder(node.path, mtime=mtime), mode=node.mode, uid=node.uid, gid=node.gid) for node in nodes
    )


def _real(path: str, tree: Tree) -> str:
    """Return a path without the symbolic links that are in its way."""
    here = ""
    for part in filter(None, path.split("/")):
        here = f"{here}/{part}".lstrip("/")
        here = tree.resolve(here) if here in tree else here
    return here


def is_filled(step: Workdir, plan: BuildPlan) -> bool:
    """Whether a plan copies files into the folder to work in, as it does with ``/src``."""
    return any(isinstance(other, Copy | Weights) and other.target == step.path for other in plan.steps)


def folder(path: str, *, mtime: int) -> Entry:
    """Return a folder."""
    return Entry(path=path.strip("/"), kind=Kind.FOLDER, mode=0o755, mtime=mtime)


def runtime_links(layout: PythonLayout, *, mtime: int) -> tuple[Entry, ...]:
    """Return the links that make the SDK importable for every program of the image, and its start-up file read."""
    targets = {"cog": f"{RUNTIME_FOLDER}/sdk/cog", STARTUP_FILE: f"{RUNTIME_FOLDER}/{STARTUP_FILE}"}
    return tuple(
        Entry(path=f"{layout.purelib}/{name}".strip("/"), kind=Kind.SYMLINK, mode=0o777, target=target, mtime=mtime)
        for name, target in targets.items()
    )


def of_folder(root: Path, target: str, *, mtime: int) -> Iterator[Entry]:
    """Yield all files of a folder of ours, sorted, below a folder of the image; links are kept."""
    for path in sorted(root.rglob("*")):
        name = f"{target.strip('/')}/{path.relative_to(root).as_posix()}".lstrip("/")
        if path.is_symlink():
            yield Entry(path=name, kind=Kind.SYMLINK, mode=0o777, target=str(path.readlink()), mtime=mtime)
        elif path.is_dir():
            yield Entry(path=name, kind=Kind.FOLDER, mode=0o755, mtime=mtime)
        else:
            mode = 0o755 if path.stat().st_mode & _EXECUTABLE else 0o644
            yield Entry(path=name, mode=mode, content=path, mtime=mtime)
