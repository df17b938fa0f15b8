"""What stands at a path of a project, without being led out of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FileKind(str, Enum):
    """What stands at a path of the project, symbolic links followed."""

    FILE = "file"
    OTHER = "other"
    MISSING = "missing"
    OUTSIDE = "outside"


def kind_of(root: Path, path: str) -> FileKind:
    """Return what stands at a path relative to a project's folder."""
    try:
        target = (root / path).resolve()
        if not target.is_relative_to(root.resolve()):
            return FileKind.OUTSIDE
        if target.is_file():
            return FileKind.FILE
        return FileKind.OTHER if target.exists() else FileKind.MISSING
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or a circle of links
        return FileKind.MISSING
