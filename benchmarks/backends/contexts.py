"""Large contexts: many small files, and a few that are huge."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES, FOLDERS = 50_000, 250
GIGABYTE = 1 << 30
_ROOM = 12 * GIGABYTE
_OURS = (
    "import resource, sys; from cog_cli.main import run\n"
    "code = run(sys.argv[2:])\n"
    "scale = 1 if sys.platform == 'darwin' else 1024\n"
    "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale\n"
    "open(sys.argv[1], 'w').write(str(peak)); sys.exit(code)"
)
"""Runs the program and writes the peak of its own memory, without its children's (getrusage(2), RUSAGE_SELF)."""


def many_files(project: Path) -> None:
    """Add many small files to a project."""
    for number in range(FOLDERS):
        folder = project / "data" / f"{number:03}"
        folder.mkdir(parents=True)
        for index in range(FILES // FOLDERS):
            (folder / f"{index:03}.txt").write_text(f"{number} {index}\n" * 8)


def huge_file(project: Path) -> None:
    """Add a file of 2 GiB that is written nowhere on the disk of most file systems: it has nothing but a length."""
    with (project / "weights.bin").open("wb") as file:
        file.truncate(2 * GIGABYTE)


def measured(peak: Path, *arguments: str) -> tuple[str, ...]:
    """Return the command line of ``cog`` that also writes its peak memory in bytes to a file."""
    return (sys.executable, "-c", _OURS, str(peak), *arguments)


def is_room(folder: Path) -> bool:
    """Whether the disk has place for the copies that builds of a huge context make."""
    return shutil.disk_usage(folder).free > _ROOM
