"""The lines of a requirements file, joined and without comments (pip documentation, "Requirements File Format")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import Origin
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cog_core.config import LoadedConfig
    from cog_core.resolve.facts import RequirementsFile

_COMMENT = re.compile(r"(?:^|\s)#.*$")


@attrs.frozen
class Line(Frozen):
    """A line with something in it.

    Attributes:
        text: Continuations joined, comments cut.
        origin: Where its first part stands.
        folder: Folder of the file, relative to the project, to which paths in the line are relative.
    """

    text: str
    origin: Origin
    folder: str = ""


def all_lines(loaded: LoadedConfig, requirements: RequirementsFile | None) -> Iterator[Line]:
    """Yield the lines of ``build.python_packages`` and of the requirements file, in this order."""
    for index, text in enumerate(loaded.config.build.python_packages):
        origin = loaded.origin(f"build.python_packages[{index}]")
        for line in logical_lines(text):
            yield attrs.evolve(line, origin=origin)
    if requirements is not None:
        folder = requirements.name.rpartition("/")[0]
        for line in logical_lines(requirements.text, file=requirements.name):
            yield attrs.evolve(line, folder=folder)


def logical_lines(text: str, *, file: str = "") -> Iterator[Line]:
    """Yield the lines that say something, as pip counts them: a backslash at the end joins the next line."""
    for start, joined in _joined(text.removeprefix("\ufeff").splitlines()):
        content = _COMMENT.sub("", joined)
        if content.strip():
            column = len(content) - len(content.lstrip()) + 1
            yield Line(content.strip(), Origin(file=file, line=start, column=column))


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield each line with those that continue it, and its number; a remark ends what it continues."""
    start, text = 0, ""
    for number, line in enumerate(lines, 1):
        remark = line.lstrip().startswith("#")
        start = start or number
        text += f" {line}" if remark else line.removesuffix("\\")
        if remark or not line.endswith("\\"):
            yield start, text
            start, text = 0, ""
    if text:
        yield start, text
