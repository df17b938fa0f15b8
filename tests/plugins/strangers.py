"""Distributions as strangers make them: a module, a project file, a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
dependencies = ["cog-core"]

[project.entry-points.cog]
{name} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""


def stranger(folder: Path, name: str, code: str, *, version: str = "1.2") -> Path:
    """Write a project whose only module is a plugin, and return its folder."""
    project = folder / name
    project.mkdir(parents=True)
    module = name.replace("-", "_")
    (project / "pyproject.toml").write_text(_PROJECT.format(name=name, version=version, module=module), "utf-8")
    (project / f"{module}.py").write_text(code, "utf-8")
    return project
