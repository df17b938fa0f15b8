"""Where a finished image arrives: a folder that has what this machine knows already, so that it is not sent again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOBS: Final = Path("blobs", "sha256")


def prepare(folder: Path, known: Iterable[Path]) -> Path:
    """Make the folder, with hard links to the blobs of other layouts where the file system allows.

    ``buildctl`` receives blob by blob and leaves out those that lie there (containerd, content store). Whoever
    takes the image from here verifies them all.

    Args:
        folder: Becomes a layout.
        known: Layouts, which may be missing.
    """
    target = folder / _BLOBS
    target.mkdir(parents=True)
    for layout in known:
        with contextlib.suppress(OSError):
            _link(layout / _BLOBS, target)
    return folder


def _link(source: Path, target: Path) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            with contextlib.suppress(FileExistsError):
                os.link(entry.path, target / entry.name)
