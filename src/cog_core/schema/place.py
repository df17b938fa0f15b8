"""Where an annotation stands, and how a complaint about it is made."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import Problem
from cog_core.schema.source import ProblemFound

if TYPE_CHECKING:
    import ast

    from cog_core.schema.names import Scope

MAX_DEPTH: Final = 30
"""Deepest nesting of type arguments and fields."""


class Purpose(Enum):
    """What an annotation describes."""

    INPUT = "input"
    OUTPUT = "output"


@attrs.frozen(eq=False, repr=False)
class Place:
    """Where an annotation stands.

    Attributes:
        scope: From where its names are looked up.
        key: What messages call the thing that is annotated.
        yields: The function is a generator.
        depth: How deep in the annotation, aliases and fields counted.
        owners: Classes whose fields are being read, outermost first.
    """

    scope: Scope
    key: str
    purpose: Purpose
    yields: bool = False
    depth: int = 0
    owners: tuple[ast.ClassDef, ...] = ()

    @property
    def is_input(self) -> bool:
        """Whether it describes an input."""
        return self.purpose is Purpose.INPUT

    def deeper(self, scope: Scope | None = None) -> Place:
        """Return the place of a part, or of what a name stands for elsewhere."""
        return attrs.evolve(self, depth=self.depth + 1, scope=scope or self.scope)

    def text_of(self, node: ast.AST) -> str:
        """Return how a node is written."""
        return self.scope.module.source.text_of(node)

    def problem(self, node: ast.AST, message: str, hint: str | None = None) -> Problem:
        """Return a problem with a node of this place."""
        return Problem(message=message, origin=self.scope.module.source.origin(node, self.key), hint=hint)

    def wrong(self, node: ast.AST, message: str, hint: str | None = None) -> ProblemFound:
        """Return the exception for such a problem."""
        return ProblemFound(self.problem(node, message, hint))
