"""What the steps of a plan bring, as entries of a layer: equal inputs give equal entries on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_core.context import EntryKind
from cog_core.errors import BackendError
from cog_core.ir.lower import RUNTIME_FOLDER, STARTUP_FILE
from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cog_core.context import BuildContext
    from cog_core.context import Entry as Found
    from cog_core.ir import Copy, Workdir, Write
    from cog_core.values import PythonLayout

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


def of_workdir(step: Workdir, *, mtime: int) -> tuple[Entry, ...]:
    """Return the folder to work in; nothing for the root, which is there."""
    return (folder(step.path, mtime=mtime),) if step.path.strip("/") else ()


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
