"""A list for what is found while a configuration is read, so that all of it can be told at once."""

from __future__ import annotations

from typing import Final

import attrs

from cog_core.config.urls import without_credentials
from cog_core.errors import Origin, Problem
from cog_core.events import Noted

_LONGEST_SHOWN: Final = 200
"""Characters."""


@attrs.define
class Findings:
    """What is wrong, what should be changed, and what was assumed.

    Attributes:
        problems: What makes the configuration unusable.
        warnings: What works but should be changed.
        notes: What was decided for the author.
    """

    problems: list[Problem] = attrs.field(factory=list)
    warnings: list[Problem] = attrs.field(factory=list)
    notes: list[Noted] = attrs.field(factory=list)

    def problem(self, message: str, origin: Origin, hint: str | None = None) -> None:
        """Add something that is wrong."""
        self.problems.append(Problem(message=message, origin=origin, hint=hint))

    def warn(self, message: str, origin: Origin, hint: str | None = None) -> None:
        """Add something that should be changed."""
        self.warnings.append(Problem(message=message, origin=origin, hint=hint))

    def note(self, message: str, origin: Origin | None) -> None:
        """Add something that was decided or assumed."""
        self.notes.append(Noted(message=message, origin=origin))


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return problems in the order of the file's lines, without repetitions."""
    return tuple(sorted(dict.fromkeys(problems), key=_place))


def shown(value: str) -> str:
    """Return a value as a message shows it: on one line, not too long, without the passwords of its URLs."""
    line = without_credentials(value).replace("\n", "\\n")
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"


def _place(problem: Problem) -> tuple[int, int]:
    origin = problem.origin
    return (origin.line or 0, origin.column or 0) if origin else (0, 0)
