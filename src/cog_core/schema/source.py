"""One file of Python source: read with care, parsed, and able to say where in it something stands."""

from __future__ import annotations

import ast
import codecs
import io
import sys
import tokenize
import warnings
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import Origin, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BYTES: Final = 10 * 1024 * 1024
"""Largest source file that is read: 10 MiB."""

MAX_MARKS: Final = 500_000
"""Most separators in one file; parsing that many takes about two seconds and a quarter of a gigabyte."""

_MARKS = tuple(b"\n;,.([{+-*=:")
_SLOW_ENCODINGS = frozenset({"idna", "punycode"})  # decoding takes time in the square of the length
_SHOWN = 80
_LOOKED_AT = 1_000  # bytes of a line, of which 80 characters are shown


class ProblemFound(Exception):
    """Something the author has to change; carries the problem up to whoever collects them."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@attrs.frozen(eq=False, repr=False)
class SourceFile:
    """A parsed file.

    Attributes:
        path: Where it lies, links resolved.
        name: How messages call it: relative to the project, with ``/``.
        tree: Its syntax tree.
        lines: Its text in UTF-8, line by line, as the positions in the tree count them.
    """

    path: Path
    name: str
    tree: ast.Module
    lines: tuple[bytes, ...]

    def origin(self, node: ast.AST, key: str = "") -> Origin:
        """Return where a node stands."""
        line = getattr(node, "lineno", None)
        if line is None:
            return Origin(file=self.name, key=key)
        before = self.lines[line - 1][: node.col_offset]  # type: ignore[attr-defined]
        return Origin(file=self.name, key=key, line=line, column=len(before.decode("utf-8", "replace")) + 1)

    def text_of(self, node: ast.AST) -> str:
        """Return the source of a node on one line, shortened to 80 characters."""
        start, end = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if start is None or end is None:
            return type(node).__name__
        raw = list(self.lines[start - 1 : min(end, start + 20)])
        if end <= start + 20:
            raw[-1] = raw[-1][: node.end_col_offset]  # type: ignore[attr-defined]
        raw[0] = raw[0][node.col_offset :]  # type: ignore[attr-defined]
        text = " ".join(b" ".join(line[:_LOOKED_AT] for line in raw).decode("utf-8", "replace").split())
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def parse_file(path: Path, name: str, spend: Callable[[int], bool]) -> SourceFile:
    """Read and parse a file.

    Args:
        path: The file, links resolved; the caller has made sure that it may be read.
        name: What messages call it.
        spend: Told how many separators there are before they are parsed; False when that is too many by now.

    Raises:
        ProblemFound: It cannot be read, is too large, is no text, or is not valid Python.
    """
    text = _decode(_read(path, name, spend), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an invalid escape: the author's interpreter will tell
            tree = ast.parse(text)
    except SyntaxError as error:
        raise ProblemFound(_syntax_problem(error, text, name)) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise ProblemFound(
            _problem(name, "cannot be parsed: it is nested too deeply", "Split the expression.")
        ) from error
    return SourceFile(path, name, tree, tuple(text.encode("utf-8", "surrogatepass").split(b"\n")))


def _read(path: Path, name: str, spend: Callable[[int], bool]) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProblemFound(_problem(name, f"cannot be read: {error.strerror}", "Make it readable.")) from error
    marks = sum(map(data.count, (bytes([mark]) for mark in _MARKS)))
    if len(data) > MAX_BYTES or marks > MAX_MARKS or not spend(marks):
        raise ProblemFound(
            _problem(name, "is too large to be model source", "Move data out of it, into a file that setup() reads.")
        )
    return data


def _decode(data: bytes, name: str) -> str:
    """Decode as Python does (PEP 263), with one kind of line end."""
    if b"\0" in data:
        raise ProblemFound(_problem(name, "contains null bytes", "Save it as UTF-8."))
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        _refuse_slow(encoding)
        with io.TextIOWrapper(io.BytesIO(data), encoding=encoding) as reader:
            text = reader.read()
    except (SyntaxError, LookupError, ValueError) as error:
        raise ProblemFound(_undecodable(data, name, error)) from error
    if "\0" in text:
        raise ProblemFound(_problem(name, "contains null bytes", "Save it as UTF-8."))
    return text


def _undecodable(data: bytes, name: str, error: Exception) -> Problem:
    """Return the problem with a file that is no text, with the line when UTF-8 was expected."""
    try:
        data.decode()
    except UnicodeDecodeError as place:
        if not isinstance(error, LookupError) and b"coding" not in data[:200]:
            line = data.count(b"\n", 0, place.start) + 1
            fact = f"{name} cannot be decoded: byte 0x{data[place.start]:02x} is not UTF-8"
            return Problem(message=fact, origin=Origin(file=name, line=line), hint="Save it as UTF-8.")
    return _problem(name, f"cannot be decoded: {error}", "Save it as UTF-8.")


def _refuse_slow(encoding: str) -> None:
    if codecs.lookup(encoding).name in _SLOW_ENCODINGS:
        raise LookupError(f"unknown encoding: {encoding}")


def _syntax_problem(error: SyntaxError, text: str, name: str) -> Problem:
    lines = text.split("\n")
    number = error.lineno if error.lineno and error.lineno <= len(lines) else None
    line = lines[number - 1].strip() if number else ""
    shown = line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
    column = error.offset if number and error.offset and error.offset > 0 else None
    return Problem(
        message=f"syntax error: {error.msg}: {shown}" if shown else f"syntax error: {error.msg}",
        origin=Origin(file=name, line=number, column=column),
        hint=f"It was read as Python {sys.version_info.major}.{sys.version_info.minor}; "
        "if the model is written for a newer Python, run cog with that one.",
    )


def _problem(name: str, fact: str, hint: str | None = None) -> Problem:
    return Problem(message=f"{name} {fact}", origin=Origin(file=name), hint=hint)
