"""``test`` and ``[`` (POSIX.1-2017, XCU test), on the tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cog_backends.oci.debian.sh.run import Shell, Streams

_NUMBERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}
_PROPERTIES: Final[Mapping[str, Callable[[Entry], bool]]] = {
    **dict.fromkeys(("-e", "-r", "-w"), lambda _: True),
    "-f": lambda entry: entry.kind is Kind.FILE,
    "-d": lambda entry: entry.kind is Kind.FOLDER,
    **dict.fromkeys(("-L", "-h"), lambda entry: entry.kind is Kind.SYMLINK),
    "-x": lambda entry: bool(entry.mode & 0o111),
    "-s": lambda entry: entry.kind is Kind.FOLDER or entry.size > 0,
    # Sockets, pipes, devices and terminals are nothing that an image holds.
    **dict.fromkeys(("-S", "-p", "-b", "-c", "-t"), lambda _: False),
    "-u": lambda entry: bool(entry.mode & 0o4000),
    "-g": lambda entry: bool(entry.mode & 0o2000),
    "-k": lambda entry: bool(entry.mode & 0o1000),
}


def test(shell: Shell, arguments: list[str], _: Streams) -> int:
    """Evaluate a condition (POSIX.1-2017, XCU test); an exit status as of a program."""
    return int(not _either(shell, list(arguments)))


def bracket(shell: Shell, arguments: list[str], streams: Streams) -> int:
    """Evaluate a condition between brackets."""
    if arguments[-1:] != ["]"]:
        raise Unreadable("a condition without its closing bracket")
    return test(shell, arguments[:-1], streams)


def _either(shell: Shell, words: list[str]) -> bool:
    for operator in ("-o", "-a"):
        # Three words with an operator in the middle are a comparison only when it is no operator of two conditions.
        for place in range(1, len(words) - 1):
            if words[place] == operator and len(words) > 3:
                left, right = _either(shell, words[:place]), _either(shell, words[place + 1 :])
                return left or right if operator == "-o" else left and right
    return _condition(shell, words)


def _condition(shell: Shell, words: list[str]) -> bool:
    match words:
        case [] | [_]:
            return any(words)
        case ["!", *rest]:
            return not _either(shell, rest)
        case ["-n" | "-z" as operator, word]:
            return bool(word) is (operator == "-n")
        case [operator, word]:
            return _is(shell, operator, word)
        case [left, "=" | "==" | "!=" as operator, right]:
            return (left == right) is (operator != "!=")
        case _:
            return _compare(words)


def _compare(words: list[str]) -> bool:
    if len(words) != 3 or words[1] not in _NUMBERS:
        raise Unreadable(f"tests {' '.join(words)!r}")
    return _NUMBERS[words[1]](_number(words[0]), _number(words[2]))


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*-?\d+\s*", text):
        raise Unreadable(f"compares {text!r} as a number")
    return int(text)


def _is(shell: Shell, operator: str, word: str) -> bool:
    if operator not in _PROPERTIES:
        raise Unreadable(f"tests {operator}")
    if operator in {"-e", "-r", "-w", "-d"} and word and shell.tree.is_folder(shell.path(word)):
        return True
    entry = shell.tree.get(shell.path(word), follow=operator not in {"-L", "-h"}) if word else None
    return entry is not None and _PROPERTIES[operator](entry)
