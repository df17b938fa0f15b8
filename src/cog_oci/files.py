"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def fresh_path(folder: Path) -> Path:
    """Return a path in a folder that nothing has yet; the folder is made when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / os.urandom(12).hex()


@contextmanager
def scratch_file(folder: Path, *, mode: int = 0o666) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield a new file that is gone afterwards, unless it was renamed.

    Args:
        folder: Where it is made; on the file system of the place that it is to be renamed to.
        mode: Permissions, of which the umask takes its share.
    """
    path = fresh_path(folder)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def replace_file(path: Path, data: bytes, *, folder: Path | None = None, mode: int = 0o666) -> None:
    """Write a file so that readers see the old content or the new one, whenever this process is stopped.

    Nothing is forced to the disk: that would wait for every other file that is on its way there.

    Args:
        path: What to write.
        data: All of the new content.
        folder: Where the new file is made before it takes the old one's place; beside it by default.
        mode: Permissions, of which the umask takes its share.
    """
    with scratch_file(folder or path.parent, mode=mode) as (scratch, file):
        file.write(data)
        scratch.replace(path)
