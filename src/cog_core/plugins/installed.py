"""Entry points of installed distributions, found without ``importlib.metadata``, which is slow to load and to search.

The files are those of the Python packaging specifications, "Recording installed projects" and "Entry points
specification". Folders only: a plugin inside a zip archive on the path is not found.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from cog_core.values import package_name
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.frozen
class EntryPoint(Frozen):
    """A name that a distribution registers.

    Attributes:
        name: The name.
        value: What it stands for, ``module`` or ``module:attribute``.
        distribution: Name of the distribution.
        version: Its version.
    """

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what it stands for."""
        module, _, path = self.value.partition("[")[0].strip().partition(":")
        found: Any = importlib.import_module(module.strip())
        for attribute in filter(None, path.strip().split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(group: str, paths: Iterable[str] | None = None) -> Iterator[EntryPoint]:
    """Yield the entry points of a group; of two distributions with one name the first on the path counts.

    Args:
        group: Name of the group.
        paths: Where to look; the interpreter's path by default.
    """
    for folder in _distributions(sys.path if paths is None else paths):
        text = _text(folder / "entry_points.txt")
        if f"[{group}]" not in text:
            continue
        about = _text(folder / "METADATA") or _text(folder / "PKG-INFO")
        for name, value in _section(text, group).items():
            yield EntryPoint(name, value, _header(about, "Name"), _header(about, "Version"))


def version(distribution: str) -> str:
    """Return the version of an installed distribution, or ``unknown``."""
    for folder in _distributions(sys.path):
        if _project(folder.name) == package_name(distribution):
            return _header(_text(folder / "METADATA") or _text(folder / "PKG-INFO"), "Version") or "unknown"
    return "unknown"


def _distributions(paths: Iterable[str]) -> Iterator[Path]:
    seen: set[str] = set()
    for path in dict.fromkeys(paths):
        try:
            names = sorted(name for name in os.listdir(path or ".") if name.endswith((".dist-info", ".egg-info")))  # noqa: PTH208 - of many names, paths take longer
        except OSError:
            continue
        for name in names:
            if (project := _project(name)) not in seen:
                seen.add(project)
                yield Path(path, name)


def _project(folder: str) -> str:
    return package_name(folder.rpartition(".")[0].partition("-")[0])


def _section(text: str, group: str) -> dict[str, str]:
    """Return the entries of a group: lines ``name = value`` below its name, without comments."""
    found: dict[str, str] = {}
    here = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            here = line[1:-1]
        elif here == group and line and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            found |= {name.strip(): value.strip()} if equals else {}
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""
