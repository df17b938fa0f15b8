"""Shell scripts as values: the part of the POSIX shell language that maintainer scripts are written in."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from cog_oci.frozen import Frozen


class Unreadable(Exception):
    """A script does something that is not understood, or not allowed, here.

    Attributes:
        line: Where, counted from 1; 0 when it is not known.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@attrs.frozen
class Text(Frozen):
    """Characters that mean themselves."""

    text: str
    quoted: bool = False


@attrs.frozen
class Parameter(Frozen):
    """``$name`` or ``${name<operator><word>}``."""

    name: str
    quoted: bool
    operator: str = ""
    word: Word | None = None


@attrs.frozen
class Substitution(Frozen):
    """``$(script)``, or the same in backquotes."""

    script: Script
    quoted: bool


@attrs.frozen
class Arithmetic(Frozen):
    """``$((expression))``."""

    word: Word
    quoted: bool


Part: TypeAlias = "Text | Parameter | Substitution | Arithmetic"


@attrs.frozen
class Word(Frozen):
    """A word before its expansion."""

    parts: tuple[Part, ...]


@attrs.frozen
class Redirect(Frozen):
    """A redirection; a here-document has the operator ``<<`` and its text as the word."""

    descriptor: int
    operator: str
    word: Word


@attrs.frozen(kw_only=True)
class Simple(Frozen):
    """Assignments, a program or function, and its arguments."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    line: int


@attrs.frozen
class Pipeline(Frozen):
    """Commands whose output feeds the next one, perhaps negated."""

    commands: tuple[Command, ...]
    negated: bool


@attrs.frozen
class AndOr(Frozen):
    """Pipelines joined by ``&&`` and ``||``."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...]


Script: TypeAlias = "tuple[AndOr, ...]"


@attrs.frozen
class If(Frozen):
    """``if``: pairs of condition and body, and the last resort."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script


@attrs.frozen
class For(Frozen):
    """``for``: without words, over the script's arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: Script


@attrs.frozen
class While(Frozen):
    """``while``, and ``until`` with ``negated``."""

    condition: Script
    body: Script
    negated: bool


@attrs.frozen
class Case(Frozen):
    """``case``: patterns and bodies in their order."""

    subject: Word
    branches: tuple[tuple[tuple[Word, ...], Script], ...]


@attrs.frozen
class Group(Frozen):
    """``{ ... }``, or ``( ... )`` whose variables are its own."""

    body: Script
    subshell: bool


@attrs.frozen
class Function(Frozen):
    """A function that is defined from here on."""

    name: str
    body: Command


@attrs.frozen
class Command(Frozen):
    """Any of the above with the redirections around it."""

    body: Simple | If | For | While | Case | Group | Function
    redirects: tuple[Redirect, ...]
