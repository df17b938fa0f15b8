"""Expands the words of a shell script (POSIX.1-2017, XCU 2.6)."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from cog_backends.oci.debian.sh.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Script,
    Substitution,
    Text,
    Unreadable,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Piece: TypeAlias = "tuple[str, bool]"
"""A stretch of text, and whether quotes protect it from being split or taken as a pattern."""

_WHITE: Final = " \t\n"
_GLOB: Final = re.compile(r"[*?\[]")
_OPERATORS: Final[Mapping[type[ast.AST], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


class Scope(Protocol):
    """What expansions need to know."""

    @property
    def arguments(self) -> list[str]:
        """The positional parameters."""
        ...

    def value(self, name: str) -> str | None:
        """Return a variable or special parameter; None when it is not set."""
        ...

    def assign(self, name: str, value: str) -> None:
        """Set a variable."""
        ...

    def output_of(self, script: Script) -> str:
        """Return what a script prints."""
        ...

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder, sorted; none when there is no such folder."""
        ...


def fields(words: Iterable[Word], scope: Scope) -> list[str]:
    """Return the arguments that words expand to: split, with patterns replaced by the paths that they match."""
    found: list[str] = []
    for word in words:
        for field in _split(word, scope):
            found += _paths(field, scope)
    return found


def text(word: Word, scope: Scope) -> str:
    """Return a word's expansion as one text, as in assignments and redirections."""
    return "".join(piece for part in word.parts for piece, _ in _pieces(part, scope))


def pattern(word: Word, scope: Scope) -> re.Pattern[str]:
    """Return the regular expression that a word stands for in ``case`` and in ``${name#word}``."""
    return _compile([piece for part in word.parts for piece in _pieces(part, scope)])


def _split(word: Word, scope: Scope) -> list[list[Piece]]:
    """Return the fields of a word; an unquoted expansion that is empty makes none."""
    done: list[list[Piece]] = []
    field: list[Piece] = []
    for part in word.parts:
        if isinstance(part, Parameter) and part.name == "@" and part.quoted and not part.operator:
            for number, argument in enumerate(scope.arguments):
                if number:
                    done.append(field)
                    field = []
                field.append((argument, True))
            continue
        for piece, quoted in _pieces(part, scope):
            if quoted or isinstance(part, Text):
                field.append((piece, quoted))
                continue
            first, *rest = _split_text(piece, scope.value("IFS"))
            field += [(first, False)] if first else []
            for one in rest:
                done += [field] if field else []
                field = [(one, False)] if one else []
    return [*done, field] if field else done


def _split_text(piece: str, separators: str | None) -> list[str]:
    if separators == "":
        return [piece]
    separators = separators or _WHITE
    if separators.isspace():
        return re.split(f"[{re.escape(separators)}]+", piece)
    return re.split(f"[{re.escape(separators)}]", piece)


def _pieces(part: Part, scope: Scope) -> list[Piece]:
    match part:
        case Text(value, quoted):
            return [(value, quoted)]
        case Substitution(script, quoted):
            return [(scope.output_of(script).rstrip("\n"), quoted)]
        case Arithmetic(word, quoted):
            return [(str(calculate(text(word, scope), scope)), quoted)]
        case Parameter():
            return _parameter(part, scope)


def _parameter(part: Parameter, scope: Scope) -> list[Piece]:
    value = scope.value(part.name)
    word = part.word or Word(())
    is_missing = value is None or (part.operator.startswith(":") and not value)
    operator = part.operator.removeprefix(":")
    match operator:
        case "-" if is_missing:
            return _protected(word, scope, part)
        case "+":
            return [("", part.quoted)] if is_missing else _protected(word, scope, part)
        case "=" if is_missing:
            value = text(word, scope)
            scope.assign(part.name, value)
        case "?" if is_missing:
            raise Unreadable(f"needs the variable {part.name}")
        case "length":
            value = str(len(value or ""))
        case "#" | "##" | "%" | "%%":
            value = _cut(value or "", operator, pattern(word, scope))
    return [(value or "", part.quoted)]


def _protected(word: Word, scope: Scope, part: Parameter) -> list[Piece]:
    return [(piece, quoted or part.quoted) for inner in word.parts for piece, quoted in _pieces(inner, scope)]


def _cut(value: str, cut: str, what: re.Pattern[str]) -> str:
    """Remove the shortest (``#``, ``%``) or longest (``##``, ``%%``) match from the beginning or the end."""
    lengths = range(len(value) + 1)
    for length in reversed(lengths) if len(cut) == 2 else lengths:
        if cut[0] == "#" and what.fullmatch(value[:length]):
            return value[length:]
        if cut[0] == "%" and what.fullmatch(value[len(value) - length :]):
            return value[: len(value) - length]
    return value


def _paths(field: list[Piece], scope: Scope) -> list[str]:
    plain = "".join(piece for piece, _ in field)
    if not any(_GLOB.search(piece) for piece, quoted in field if not quoted):
        return [plain]
    segments: list[list[Piece]] = [[]]
    for piece, quoted in field:
        first, *rest = piece.split("/")
        segments[-1].append((first, quoted))
        segments += [[(one, quoted)] for one in rest]
    found = [""]
    for number, segment in enumerate(segments):
        found = [path for start in found for path in _step(start, segment, scope, is_first=not number)]
    return sorted(found) or [plain]


def _step(start: str, segment: list[Piece], scope: Scope, *, is_first: bool) -> list[str]:
    prefix = start if is_first else f"{start}/"
    plain = "".join(piece for piece, _ in segment)
    if not any(_GLOB.search(piece) for piece, quoted in segment if not quoted):
        return [f"{prefix}{plain}"] if not plain or plain in scope.names(prefix or ".") else []
    expression = _compile(segment)
    names = (name for name in scope.names(prefix or ".") if not name.startswith(".") or plain.startswith("."))
    return [f"{prefix}{name}" for name in names if expression.fullmatch(name)]


def _compile(pieces: list[Piece]) -> re.Pattern[str]:
    return re.compile(
        "".join(re.escape(piece) if quoted else _translate(piece) for piece, quoted in pieces), re.DOTALL
    )


def _translate(glob: str) -> str:
    """Return the regular expression of a pattern (POSIX.1-2017, XCU 2.13)."""
    found, position = "", 0
    while position < len(glob):
        character = glob[position]
        end = glob.find("]", position + 2) if character == "[" else -1
        if end > 0:
            inside = glob[position + 1 : end].replace("\\", "\\\\")
            found += f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
            position = end
        else:
            found += {"*": ".*", "?": "."}.get(character, re.escape(character))
        position += 1
    return found


def calculate(expression: str, scope: Scope) -> int:
    """Return the value of an integer expression.

    Raises:
        Unreadable: It uses what is not understood here.
    """
    try:
        return _value(ast.parse(expression.strip().replace("/", "//") or "0", mode="eval").body, scope)
    except (SyntaxError, ValueError, ZeroDivisionError) as error:
        raise Unreadable(f"calculates {expression!r}") from error


def _value(node: ast.AST, scope: Scope) -> int:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name):
            return int(scope.value(name) or 0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, scope)
        case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _OPERATORS:
            return _OPERATORS[type(kind)](_value(left, scope), _value(right, scope))
        case _:
            raise ValueError(type(node).__name__)
