"""Command line options of programs, as getopt(3) reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_END: Final = "--"


@attrs.frozen
class Options(Frozen):
    """What a program was told.

    Attributes:
        given: Values by option, without dashes; empty for options that take none.
        operands: The other arguments.
    """

    given: Mapping[str, str]
    operands: tuple[str, ...]

    def __contains__(self, name: str) -> bool:
        """Say whether an option was given."""
        return name in self.given


def read_options(arguments: list[str], known: str, **long: str) -> Options:
    """Take arguments apart.

    Args:
        arguments: Without the program's name.
        known: Letters of options; a colon behind one means that it takes a value.
        long: Letters that the long options stand for, with ``_`` for dashes.

    Raises:
        Unreadable: An option that is not known, and so perhaps changes everything.
    """
    given: dict[str, str] = {}
    operands: list[str] = []
    todo = arguments[::-1]
    while todo:
        argument = todo.pop()
        if argument == _END:
            operands += reversed(todo)
            break
        if argument.startswith(_END):
            name, equals, value = argument[2:].partition("=")
            letter = long.get(name.replace("-", "_"))
            if letter is None:
                raise Unreadable(f"uses the option {argument}")
            given[letter] = value if equals or f"{letter}:" not in known else _value(todo, argument)
        elif argument[:1] == "-" and argument != "-":
            _letters(argument, known, todo, given)
        else:
            operands.append(argument)
    return Options(given, tuple(operands))


def _letters(argument: str, known: str, todo: list[str], given: dict[str, str]) -> None:
    for number, letter in enumerate(argument[1:], start=2):
        if letter not in known or letter == ":":
            raise Unreadable(f"uses the option {argument}")
        if f"{letter}:" in known:
            given[letter] = argument[number:] or _value(todo, argument)
            return
        given[letter] = ""


def _value(todo: list[str], argument: str) -> str:
    if not todo:
        raise Unreadable(f"gives the option {argument} no value")
    return todo.pop()
