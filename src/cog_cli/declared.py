"""How commands declare what they take, in words of our own, so that nobody has to load a parser to know it."""

from __future__ import annotations

from typing import Any


class _Declared:
    """What stands in ``Annotated[type, ...]`` of a command's parameter.

    Attributes:
        names: How it is written, such as ``-t`` and ``--tag``; ``--on/--off`` for a flag with two words.
        shown: What the help says about it, and limits, in typer's words: ``help``, ``metavar``, ``min``...
    """

    def __init__(self, *names: str, **shown: Any) -> None:
        self.names = names
        self.shown = shown


class Option(_Declared):
    """A parameter that is given by name."""


class Argument(_Declared):
    """A parameter that is given by its place."""
