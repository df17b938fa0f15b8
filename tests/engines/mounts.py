"""What is mounted on this machine."""

from __future__ import annotations

from pathlib import Path


def below(folder: Path) -> list[str]:
    """Return what is mounted below a folder, in an order in which it can be unmounted."""
    places = (line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines())
    return [place for place in places if place.startswith(f"{folder}/")][::-1]
