"""The rules of ``.dockerignore`` (Docker documentation, "Build context", section ".dockerignore files").

They are not git's rules: a pattern is anchored at the root of the context, ``**`` stands for any number of
folders, the last pattern that matches decides, and a pattern that matches a folder covers all that is in it.
"""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import Final

import attrs

from cog_oci.frozen import Frozen

DEFAULT_IGNORES: Final = (
    ".git",
    ".venv",
    "**/__pycache__",
    "**/*.pyc",
    "**/.DS_Store",
    "**/.ipynb_checkpoints",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
)
"""What is left out of a project that has no ``.dockerignore``."""

_MEMBER = r"\\.|[^\\\]-]"
_RANGE = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?", re.DOTALL)
_CLASS = re.compile(rf"\[(?P<negated>\^?)(?P<ranges>(?:{_RANGE.pattern})+)\]", re.DOTALL)
"""A class of characters as Go's ``filepath.Match`` takes it."""

_LINE_BREAK = "[^ -~]"
"""A line break as a pattern that stands on one line: a character that is not printable ASCII."""

_ENDING = re.compile(r"\*\*[^/*?\[\\][^*?\[\\]*", re.DOTALL)
"""``**.md``, which Docker 23 and later take for the end of a path."""

ALWAYS_IGNORED: Final = (".cog",)
"""What is left out of every project, as upstream does (reference, section 3.1)."""


@attrs.frozen
class _Pattern(Frozen):
    text: str
    negated: bool
    expression: re.Pattern[str]

    @classmethod
    def read(cls, line: str) -> _Pattern | None:
        text = line.strip()
        negated = text.startswith("!")
        if negated:
            text = text[1:].strip()
        text = posixpath.normpath(text).lstrip("/") if text else ""
        if text in {"", "."}:
            return None
        return cls(text, negated, re.compile(rf"(?:{_expression(text)})(?:/.*)?", re.DOTALL))

    def covers(self, path: str) -> bool:
        """Whether the pattern matches the path or a folder above it."""
        return self.expression.fullmatch(path) is not None


@attrs.frozen
class IgnoreRules(Frozen):
    """An ordered list of patterns.

    Attributes:
        lines: The patterns as written, comments included, so that an engine can be given the same text.
    """

    lines: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> IgnoreRules:
        """Read the text of a ``.dockerignore``; a byte order mark in front of it is ignored."""
        return cls(tuple(line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")))

    def followed_by(self, *lines: str) -> IgnoreRules:
        """Return rules in which these lines come last and so have the last word."""
        return IgnoreRules((*self.lines, *lines))

    @cached_property
    def _patterns(self) -> tuple[_Pattern, ...]:
        patterns = (_Pattern.read(line) for line in self.lines if not line.startswith("#"))
        return tuple(pattern for pattern in patterns if pattern is not None)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """Whatever one of the patterns covers: most paths are in none, and are done with after one look."""
        return re.compile("|".join(pattern.expression.pattern for pattern in self._patterns) or "(?!)", re.DOTALL)

    def excludes(self, path: str) -> bool:
        """Whether a path, relative to the root of the context, is left out."""
        if not self._any.fullmatch(path):
            return False
        excluded = False
        for pattern in self._patterns:
            if pattern.negated == excluded and pattern.covers(path):
                excluded = not pattern.negated
        return excluded

    def may_include_below(self, folder: str) -> bool:
        """Whether anything below an excluded folder could come back by an exception (``!``)."""
        return any(pattern.negated and _could_be_below(pattern.text, folder) for pattern in self._patterns)

    @property
    def text(self) -> str:
        """The rules as the text of a ``.dockerignore``."""
        return "".join(f"{line}\n" for line in self.lines)


def exactly(path: str) -> str:
    """Return a pattern of one line that matches this path and nothing else, whatever characters it has.

    Only a line break also matches other characters that are not printable.
    """
    escaped = re.sub(r"([*?\[\]\\]|^[!#])", r"\\\1", path)
    return re.sub(r"^\s|\s$", r"[\g<0>]", escaped.replace("\n", _LINE_BREAK))


def _could_be_below(pattern: str, folder: str) -> bool:
    """Compare part by part; a wildcard part could be anything, and ``**`` any number of parts."""
    wanted, have = pattern.split("/"), folder.split("/")
    for want, part in zip(wanted, have, strict=False):
        if "**" in want:
            return True
        if not re.compile(_expression(want), re.DOTALL).fullmatch(part):
            return False
    return True


def _expression(pattern: str) -> str:
    """Translate a pattern into a regular expression over a whole path."""
    if _ENDING.fullmatch(pattern):
        return f".*{re.escape(pattern[2:])}"
    out: list[str] = []
    rest = pattern
    while rest:
        if rest.startswith("**"):
            rest = rest[2:].removeprefix("/")
            out.append("(?:.*/)?" if rest else ".*")
        elif rest[0] == "*":
            out.append("[^/]*")
            rest = rest[1:]
        elif rest[0] == "?":
            out.append("[^/]")
            rest = rest[1:]
        elif rest[0] == "[":
            characters, rest = _character_class(rest)
            out.append(characters)
        else:
            if rest[0] == "\\" and len(rest) > 1:
                rest = rest[1:]
            out.append(re.escape(rest[0]))
            rest = rest[1:]
    return "".join(out)


def _character_class(text: str) -> tuple[str, str]:
    """Translate ``[...]`` at the start of a text; one that is not well-formed is a literal bracket."""
    match = _CLASS.match(text)
    ranges = (
        [(low[-1], high[-1] if high else low[-1]) for low, high in _RANGE.findall(match["ranges"])] if match else []
    )
    if match is None or any(low > high for low, high in ranges):
        return re.escape("["), text[1:]
    members = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
    return f"[{'^/' if match['negated'] else ''}{members}]", text[match.end() :]
