"""Times of the project's files: BuildKit lowers those that are later than the image, and leaves earlier ones."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from cog_core.context import BuildContext, EntryKind, materialise

if TYPE_CHECKING:
    from pathlib import Path

_NANOSECONDS: Final = 1_000_000_000


def not_before(context: BuildContext, created: int, folder: Path) -> Path:
    """Return a folder with the context's files, none of them older than the image.

    That is the project's own folder, as a rule: only with ``SOURCE_DATE_EPOCH``, or with files of the seventies,
    the older ones are copied.

    Args:
        context: The project.
        created: Time of the image, in seconds since 1970.
        folder: Made when it is needed.
    """
    times = {entry.path: context.path_of(entry).lstat().st_mtime_ns for entry in context.entries}
    if all(time >= created * _NANOSECONDS for time in times.values()):
        return context.root
    materialise(context, folder)
    for entry in reversed(context.entries):
        path, source = folder / entry.path, context.path_of(entry)
        if entry.kind is EntryKind.FOLDER:
            path.chmod(entry.mode)
        elif times[entry.path] >= created * _NANOSECONDS:
            continue
        elif entry.kind is EntryKind.FILE:
            path.unlink()  # a hard link would change the author's file
            shutil.copy2(source, path)
        time = created * _NANOSECONDS + _fraction(times[entry.path])
        os.utime(path, ns=(time, time), follow_symlinks=False)
    return folder


def of_now(folder: Path) -> None:
    """Give generated files the time of now, which the server lowers.

    It keeps what it copies by content: a file that was copied with an earlier image's time would keep that.
    """
    for path in folder.rglob("*"):
        os.utime(path)


def _fraction(time: int) -> int:
    """Return nanoseconds that change with a file's own time, by which the server sees that it changed."""
    return int(hashlib.sha256(str(time).encode()).hexdigest(), 16) % _NANOSECONDS
