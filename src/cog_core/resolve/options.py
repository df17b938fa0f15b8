"""Options between the requirements: where packages come from, and which may be taken."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.resolve.resolved import IndexOption
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.config.findings import Findings
    from cog_core.resolve.lines import Line

_VALUED: Final = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--trusted-host": "--trusted-host",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
}
_PLACES: Final = frozenset({"--index-url", "--extra-index-url", "--find-links"})
_FLAGS: Final = frozenset({"--no-index", "--pre", "--prefer-binary"})
_NESTED: Final = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c"}
_EDITABLE: Final = frozenset({"-e", "--editable"})
_FOR_BUILDS: Final = frozenset({"--global-option", "--config-settings", "--config-setting", "-C", "--build-option"})
_SHORT_WITH_VALUE = re.compile(r"(-[ifrceC])(?!-)(.+)")
_OPTIONS = re.compile(r"\s(?=--?[A-Za-z])")


@attrs.frozen
class Parsed(Frozen):
    """What stands in one line.

    Attributes:
        requirement: The part in front of the options.
        index: Index options.
        hashes: Files that are right, as ``sha256:...``.
        for_build: Options that only matter when the package is built, as they are written.
    """

    requirement: str
    index: tuple[IndexOption, ...] = ()
    hashes: tuple[str, ...] = ()
    for_build: tuple[str, ...] = ()


def parse_options(line: Line, findings: Findings) -> Parsed:
    """Take a line apart; what cannot be honoured goes to the findings."""
    head, rest = _parts(line.text)
    try:
        words = shlex.split(rest)
    except ValueError:
        findings.problem(f'invalid requirement "{line.text}": a quote is not closed', line.origin)
        return Parsed("")
    reader = _Reader(line, findings, words)
    reader.read()
    return Parsed(reader.requirement or head, tuple(reader.index), tuple(reader.hashes), tuple(reader.for_build))


def _parts(text: str) -> tuple[str, str]:
    if text.startswith("-"):
        return "", text
    head, *rest = _OPTIONS.split(text, maxsplit=1)
    return head.strip(), rest[0] if rest else ""


@attrs.define
class _Reader:
    """Goes through the words of a line."""

    line: Line
    findings: Findings
    words: list[str]
    requirement: str = ""
    index: list[IndexOption] = attrs.field(factory=list)
    hashes: list[str] = attrs.field(factory=list)
    for_build: list[str] = attrs.field(factory=list)

    def read(self) -> None:
        while self.words:
            flag, value = self._next()
            if flag in _FLAGS:
                self.index.append(IndexOption(flag=flag, origin=self.line.origin))
            elif flag in _VALUED:
                self._index_option(_VALUED[flag], value or self._value())
            elif flag == "--hash":
                self.hashes.append(value or self._value())
            elif flag in _NESTED:
                self._unsupported(f"{_NESTED[flag]} {value or self._value()}")
            elif flag in _EDITABLE:
                self._editable(value or self._value())
            elif flag in _FOR_BUILDS:
                self.for_build.append(f"{flag}={shlex.quote(value or self._value())}")
            elif flag.startswith("-"):
                self.findings.warn(f'pip option "{flag}" is ignored', self.line.origin, "Remove it.")
            else:
                self.requirement = " ".join(filter(None, (self.requirement, flag)))

    def _next(self) -> tuple[str, str]:
        word = self.words.pop(0)
        if word.startswith("--"):
            flag, _, value = word.partition("=")
            return flag, value
        if match := _SHORT_WITH_VALUE.fullmatch(word):
            return match[1], match[2].removeprefix("=")
        return word, ""

    def _value(self) -> str:
        return self.words.pop(0) if self.words else ""

    def _index_option(self, flag: str, value: str) -> None:
        if not value:
            self.findings.problem(f"option {flag} has no value", self.line.origin)
        elif flag in _PLACES and not re.match(r"https?://", value):
            self._unsupported(f"{flag} {value}")
        else:
            self.index.append(IndexOption(flag=flag, value=value, origin=self.line.origin))

    def _editable(self, target: str) -> None:
        """Take an editable checkout as a plain requirement; the project itself is in the image anyway."""
        if target in {".", "./"}:
            self.findings.note('"-e ." is left out: the project is in the image as it is', self.line.origin)
        elif re.match(r"(?:git|hg|svn|bzr)\+", target) or "://" in target:
            self.requirement = target
        else:
            self._unsupported(f"-e {target}")

    def _unsupported(self, option: str) -> None:
        hint = "Write the requirements themselves in this file; of options, only those about indices are read."
        self.findings.problem(f'local requirements option "{option}" is not supported', self.line.origin, hint)
