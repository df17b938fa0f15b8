"""Which of our own files go into a bundle, and where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cog_core.runtime_bundle.startup import STARTUP_FILE, STARTUP_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARED = ("__init__.py", "waiting.py", "wire.py")
_SIDES = ("server", "worker")
_KINDS = (".py", ".typed", ".html", ".css", ".js", ".svg")
"""Code, and the files of the page that the server shows to browsers."""


def own_files() -> dict[str, bytes]:
    """Return our files by their path in the bundle, sorted.

    They are read from the packages beside this one, not through the import system: another distribution may own the
    name ``cog`` on this machine.
    """
    packages = Path(__file__).resolve().parents[2]
    runtime = packages / "cog_runtime"
    found: dict[str, bytes] = {}
    for side in _SIDES:
        found[f"{side}/__main__.py"] = (runtime / f"start_{side}.py").read_bytes()
        for name in _SHARED:
            found[f"{side}/cog_runtime/{name}"] = (runtime / name).read_bytes()
        found |= dict(_tree(runtime / side, f"{side}/cog_runtime/{side}"))
    found[STARTUP_FILE] = STARTUP_TEXT.encode()
    for package in ("cog", "coglet"):
        found |= dict(_tree(packages / package, f"sdk/{package}"))
    return dict(sorted(found.items()))


def lock() -> Path:
    """Return the file that locks the server's packages."""
    return Path(__file__).resolve().parents[2] / "cog_runtime" / "locks" / "server.txt"


def runtime_version() -> str:
    """Return the version of the runtime, without importing it."""
    text = (Path(__file__).resolve().parents[2] / "cog_runtime" / "__init__.py").read_text("utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def _tree(folder: Path | str, target: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder, in no order; every build looks, so it has to be quick."""
    with os.scandir(folder) as children:
        for child in children:
            if child.is_dir():
                if child.name != "__pycache__":
                    yield from _tree(child.path, f"{target}/{child.name}")
            elif child.name.endswith(_KINDS):
                with open(child.path, "rb") as file:  # noqa: PTH123 - of many small files, a Path takes longer than reading
                    yield f"{target}/{child.name}", file.read()
