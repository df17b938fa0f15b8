"""Reads the words of a shell script: quotes, expansions and here-documents (POSIX.1-2017, XCU 2.2 and 2.6)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.syntax import Arithmetic, Parameter, Part, Substitution, Text, Unreadable, Word

if TYPE_CHECKING:
    from typing_extensions import Self

    from cog_backends.oci.debian.sh.syntax import Script

_BLANKS: Final = re.compile(r"(?:[ \t]|\\\n)*(?:#[^\n]*)?")
_PLAIN: Final = re.compile(r"[^\s;&|()<>\\'\"$`]+")
_PLAIN_QUOTED: Final = re.compile(r"[^\\\"$`]+")
_PLAIN_DOCUMENT: Final = re.compile(r"[^\\$`]+")
_PLAIN_BRACES: Final = re.compile(r"[^\\'\"$`}]+")
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_PARAMETER_IN_BRACES: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_OPERATOR: Final = re.compile(r":?[-=?+]|%%?|##?")
_ESCAPED: Final = re.compile(r"\\([$`\\])")
_LENGTH: Final = "length"


class WordReader(ABC):
    """A position in a text, and what can be read from there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._documents: dict[int, int] = {}

    @abstractmethod
    def script_until_parenthesis(self) -> Script:
        """Return the commands from here on, and stop behind the parenthesis that ends them."""

    @abstractmethod
    def new(self, text: str) -> Self:
        """Return a reader of another text."""

    @abstractmethod
    def whole(self) -> Script:
        """Return all commands of the text."""

    def line(self) -> int:
        """Return the number of the current line, counted from 1."""
        return self.text.count("\n", 0, self.position) + 1

    def failure(self, reason: str) -> Unreadable:
        """Return the error to raise at this place."""
        return Unreadable(reason, self.line())

    def at_end(self) -> bool:
        """Say whether the text ends here."""
        return self.position >= len(self.text)

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.text[self.position : self.position + 1]

    def looking_at(self, mark: str) -> bool:
        """Say whether the text goes on with these characters."""
        return self.text.startswith(mark, self.position)

    def rest(self) -> str:
        """Return what follows on this line, for messages."""
        return self.text[self.position :].partition("\n")[0][:40]

    def skip_blanks(self) -> None:
        """Go on to the next word or mark of the same line, over comments."""
        match = _BLANKS.match(self.text, self.position)
        assert match is not None, "the pattern matches nothing too"
        self.position = match.end()

    def newline(self) -> bool:
        """Go over the end of the line and the here-documents that begin there; say whether it was one."""
        if self.peek() != "\n":
            return False
        self.position = self._documents.get(self.position, self.position + 1)
        return True

    def skip_lines(self) -> None:
        """Go on to the next word or mark, over ends of lines."""
        self.skip_blanks()
        while self.newline():
            self.skip_blanks()

    def here_document(self, *, strip_tabs: bool) -> Word:
        """Return the here-document whose delimiter comes next; its text begins behind the end of this line."""
        self.skip_blanks()
        delimiter = self.word()
        if delimiter is None or not all(isinstance(part, Text) for part in delimiter.parts):
            raise self.failure("a here-document without a delimiter")
        texts = [part for part in delimiter.parts if isinstance(part, Text)]
        end_mark = "".join(text.text for text in texts)
        line_end = self.text.find("\n", self.position)
        start = self._documents.get(line_end, line_end + 1)
        body, end = self._until(end_mark, start, strip_tabs=strip_tabs)
        self._documents[line_end] = end
        if any(text.quoted for text in texts):
            return Word((Text(body, quoted=True),))
        return Word(self.new(body).quoted_parts(_PLAIN_DOCUMENT, end=""))

    def _until(self, mark: str, start: int, *, strip_tabs: bool) -> tuple[str, int]:
        lines: list[str] = []
        while start < len(self.text) and start > 0:
            line, _, _ = self.text[start:].partition("\n")
            start += len(line) + 1
            line = line.lstrip("\t") if strip_tabs else line
            if line == mark:
                return "".join(lines), start
            lines.append(f"{line}\n")
        raise self.failure(f"a here-document that does not end with {mark}")

    def word(self) -> Word | None:
        """Return the word that begins here; None when none does."""
        parts: list[Part] = []
        while not self.at_end():
            if plain := _PLAIN.match(self.text, self.position):
                self.position = plain.end()
                parts.append(Text(plain[0]))
            elif self.looking_at("\\\n"):
                self.position += 2
            elif not self._special(parts):
                break
        return Word(tuple(parts)) if parts else None

    def _special(self, parts: list[Part]) -> bool:
        match self.peek():
            case "\\":
                parts.append(Text(self.text[self.position + 1 : self.position + 2], quoted=True))
                self.position += 2
            case "'":
                parts.append(Text(self._single_quoted(), quoted=True))
            case '"':
                self.position += 1
                parts += (Text("", quoted=True), *self.quoted_parts(_PLAIN_QUOTED, end='"'))
            case "$" | "`":
                parts.append(self._expansion(quoted=False))
            case _:
                return False
        return True

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise self.failure("a quote that does not end")
        text = self.text[self.position + 1 : end]
        self.position = end + 1
        return text

    def quoted_parts(self, plain: re.Pattern[str], *, end: str) -> tuple[Part, ...]:
        """Return what stands between double quotes, or in a here-document, and go behind its end."""
        parts: list[Part] = []
        while not self.at_end():
            if match := plain.match(self.text, self.position):
                self.position = match.end()
                parts.append(Text(match[0], quoted=True))
            elif end and self.peek() == end:
                self.position += 1
                return tuple(parts)
            elif self.peek() == "\\":
                parts.append(Text(self._escape(end), quoted=True))
            else:
                parts.append(self._expansion(quoted=True))
        if end:
            raise self.failure("a quote that does not end")
        return tuple(parts)

    def _escape(self, end: str) -> str:
        character = self.text[self.position + 1 : self.position + 2]
        self.position += 2
        if character == "\n":
            return ""
        return character if character and character in f"$`\\{end}" else f"\\{character}"

    def _expansion(self, *, quoted: bool) -> Part:
        if self.peek() == "`":
            return Substitution(self._backquoted(), quoted)
        if self.looking_at("$(("):
            return Arithmetic(self._arithmetic(), quoted)
        if self.looking_at("$("):
            self.position += 2
            return Substitution(self.script_until_parenthesis(), quoted)
        if self.looking_at("${"):
            return self._braces(quoted=quoted)
        match = _PARAMETER.match(self.text, self.position + 1)
        if match is None:
            self.position += 1
            return Text("$", quoted)
        self.position = match.end()
        return Parameter(match[0], quoted)

    def _backquoted(self) -> Script:
        end = self.position + 1
        while self.text[end : end + 1] not in {"`", ""}:
            end += 2 if self.text[end] == "\\" else 1
        text = _ESCAPED.sub(r"\1", self.text[self.position + 1 : end])
        self.position = end + 1
        return self.new(text).whole()

    def _arithmetic(self) -> Word:
        start, depth = self.position + 3, 2
        end = start
        while depth and end < len(self.text):
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            end += 1
        if depth or self.text[end - 2] != ")":
            raise self.failure("an arithmetic expansion that does not end")
        self.position = end
        return Word(self.new(self.text[start : end - 2]).quoted_parts(_PLAIN_QUOTED, end=""))

    def _braces(self, *, quoted: bool) -> Part:
        self.position += 2
        if self.peek() == "#" and (length := _PARAMETER_IN_BRACES.match(self.text, self.position + 1)):
            self.position = length.end()
            self._close_braces()
            return Parameter(length[0], quoted, _LENGTH)
        name = _PARAMETER_IN_BRACES.match(self.text, self.position)
        if name is None:
            raise self.failure(f"an expansion that is not understood: {self.rest()!r}")
        self.position = name.end()
        operator = _OPERATOR.match(self.text, self.position)
        if operator is None:
            self._close_braces()
            return Parameter(name[0], quoted)
        self.position = operator.end()
        # The quotes around an expansion do not quote the pattern that is cut off (XCU 2.6.2).
        is_pattern = operator[0][0] in "#%"
        return Parameter(name[0], quoted, operator[0], self._word_in_braces(quoted=quoted and not is_pattern))

    def _close_braces(self) -> None:
        if self.peek() != "}":
            raise self.failure(f"an expansion that is not understood: {self.rest()!r}")
        self.position += 1

    def _word_in_braces(self, *, quoted: bool) -> Word:
        parts: list[Part] = []
        while not self.at_end() and self.peek() != "}":
            if plain := _PLAIN_BRACES.match(self.text, self.position):
                self.position = plain.end()
                parts.append(Text(plain[0], quoted))
            elif quoted and self.peek() == "'":
                self.position += 1
                parts.append(Text("'", quoted=True))
            else:
                self._special(parts)
        self._close_braces()
        return Word(tuple(parts))
