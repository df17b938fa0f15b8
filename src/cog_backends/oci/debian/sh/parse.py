"""Parses shell scripts (POSIX.1-2017, XCU 2.10) as far as maintainer scripts use the language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.syntax import (
    AndOr,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Pipeline,
    Redirect,
    Script,
    Simple,
    While,
    Word,
)
from cog_backends.oci.debian.sh.words import WordReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from typing_extensions import Self

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_FUNCTION: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*\([ \t]*\)")
_REDIRECT: Final = re.compile(r"(\d*)(<<-|<<|>>|>&|<&|<>|>\||>|<)")
_WORD_AHEAD: Final = re.compile(r"[A-Za-z!{}]+(?=[\s;&|()<>]|$)")
_CLOSERS: Final = frozenset({"then", "else", "elif", "fi", "do", "done", "esac", "}"})
_UNSUPPORTED: Final = frozenset({"function", "select", "time"})


def parse(text: str) -> Script:
    """Return a script as a value.

    Raises:
        Unreadable: The text is no shell script, or uses what is not understood here.
    """
    return _Parser(text).whole()


class _Parser(WordReader):
    """Descends recursively through a text, from the whole script to its words."""

    def script(self, closers: Collection[str]) -> Script:
        found = []
        self.skip_lines()
        while not self.at_end() and not self._closes(closers):
            found.append(self._and_or())
            if not self._separator():
                break
            self.skip_lines()
        return tuple(found)

    def _closes(self, closers: Collection[str]) -> bool:
        ahead = self._reserved()
        if ahead in _CLOSERS and ahead not in closers:
            raise self.failure(f"unexpected {ahead!r}")
        return (ahead is not None and ahead in closers) or self.peek() == ")" or self.looking_at(";;")

    def _reserved(self) -> str | None:
        match = _WORD_AHEAD.match(self.text, self.position)
        return match[0] if match else None

    def _separator(self) -> bool:
        self.skip_blanks()
        if self.looking_at(";;"):
            return False
        if self.peek() == "&" and not self.looking_at("&&"):
            raise self.failure("starts a program in the background")
        if self.peek() == ";":
            self.position += 1
            return True
        return self.newline()

    def _and_or(self) -> AndOr:
        first, rest = self._pipeline(), list[tuple[str, Pipeline]]()
        while True:
            self.skip_blanks()
            operator = self.text[self.position : self.position + 2]
            if operator not in {"&&", "||"}:
                return AndOr(first, tuple(rest))
            self.position += 2
            self.skip_lines()
            rest.append((operator, self._pipeline()))

    def _pipeline(self) -> Pipeline:
        negated = self._accept("!")
        commands = [self._command()]
        while True:
            self.skip_blanks()
            if self.peek() != "|" or self.looking_at("||"):
                return Pipeline(tuple(commands), negated)
            self.position += 1
            self.skip_lines()
            commands.append(self._command())

    def _command(self) -> Command:
        self.skip_blanks()
        compound = self._compound()
        if compound is not None:
            return self._with_redirects(compound)
        if function := _FUNCTION.match(self.text, self.position):
            self.position = function.end()
            self.skip_lines()
            return Command(Function(function[1], self._command()), ())
        return self._simple()

    def _compound(self) -> If | For | While | Case | Group | None:
        keyword = "(" if self.peek() == "(" else self._reserved()
        if keyword in _UNSUPPORTED:
            raise self.failure(f"uses {keyword}, which is not of the POSIX shell")
        readers: Mapping[str | None, Callable[[], If | For | While | Case | Group]] = {
            "(": self._subshell,
            "{": self._group,
            "if": self._if,
            "for": self._for,
            "while": self._while,
            "until": self._while,
            "case": self._case,
        }
        return readers[keyword]() if keyword in readers else None

    def _with_redirects(self, body: If | For | While | Case | Group) -> Command:
        redirects = []
        while (redirect := self._redirect()) is not None:
            redirects.append(redirect)
        return Command(body, tuple(redirects))

    def _subshell(self) -> Group:
        self.position += 1
        return Group(self.script_until_parenthesis(), subshell=True)

    def _group(self) -> Group:
        self._expect("{")
        body = self.script({"}"})
        self._expect("}")
        return Group(body, subshell=False)

    def _if(self) -> If:
        self._expect("if")
        branches = []
        while True:
            condition = self.script({"then"})
            self._expect("then")
            branches.append((condition, self.script({"elif", "else", "fi"})))
            if not self._accept("elif"):
                break
        otherwise = self.script({"fi"}) if self._accept("else") else ()
        self._expect("fi")
        return If(tuple(branches), otherwise)

    def _for(self) -> For:
        self._expect("for")
        self.skip_blanks()
        name = _NAME.match(self.text, self.position)
        if name is None:
            raise self.failure("a for loop without a name")
        self.position = name.end()
        self.skip_lines()
        words = self._words() if self._accept("in") else None
        self._separator()
        self.skip_lines()
        return For(name[0], words, self._body())

    def _body(self) -> Script:
        self._expect("do")
        body = self.script({"done"})
        self._expect("done")
        return body

    def _while(self) -> While:
        negated = self._accept("until")
        if not negated:
            self._expect("while")
        condition = self.script({"do"})
        return While(condition, self._body(), negated)

    def _case(self) -> Case:
        self._expect("case")
        subject = self._need_word()
        self.skip_lines()
        self._expect("in")
        branches = []
        self.skip_lines()
        while not self._accept("esac"):
            branches.append(self._branch())
            self.skip_lines()
        return Case(subject, tuple(branches))

    def _branch(self) -> tuple[tuple[Word, ...], Script]:
        self.skip_blanks()
        if self.peek() == "(":
            self.position += 1
        patterns = [self._need_word()]
        self.skip_blanks()
        while self.peek() == "|":
            self.position += 1
            patterns.append(self._need_word())
            self.skip_blanks()
        self._expect_mark(")")
        body = self.script({"esac"})
        self.skip_blanks()
        if self.looking_at(";;"):
            self.position += 2
        return tuple(patterns), body

    def _simple(self) -> Command:
        self.skip_blanks()
        line = self.line()
        assignments, words, redirects = list[tuple[str, Word]](), list[Word](), list[Redirect]()
        while True:
            self.skip_blanks()
            assignment = None if words else _ASSIGNMENT.match(self.text, self.position)
            if assignment:
                self.position = assignment.end()
                assignments.append((assignment[1], self.word() or Word(())))
            elif redirect := self._redirect():
                redirects.append(redirect)
            elif word := self.word():
                words.append(word)
            else:
                break
        if not (assignments or words or redirects):
            raise self.failure(f"unexpected {self.rest()!r}")
        return Command(Simple(assignments=tuple(assignments), words=tuple(words), line=line), tuple(redirects))

    def _words(self) -> tuple[Word, ...]:
        words = []
        self.skip_blanks()
        while (word := self.word()) is not None:
            words.append(word)
            self.skip_blanks()
        return tuple(words)

    def _redirect(self) -> Redirect | None:
        self.skip_blanks()
        match = _REDIRECT.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        operator = match[2]
        descriptor = int(match[1]) if match[1] else int(operator.startswith(">"))
        if operator.startswith("<<"):
            return Redirect(descriptor, "<<", self.here_document(strip_tabs=operator == "<<-"))
        return Redirect(descriptor, operator, self._need_word())

    def _need_word(self) -> Word:
        self.skip_blanks()
        word = self.word()
        if word is None:
            raise self.failure(f"a word is missing before {self.rest()!r}")
        return word

    def _accept(self, reserved: str) -> bool:
        self.skip_blanks()
        if self._reserved() != reserved:
            return False
        self.position += len(reserved)
        return True

    def _expect(self, reserved: str) -> None:
        self.skip_lines()
        if not self._accept(reserved):
            raise self.failure(f"{reserved!r} is missing before {self.rest()!r}")

    def _expect_mark(self, mark: str) -> None:
        self.skip_lines()
        if self.peek() != mark:
            raise self.failure(f"{mark!r} is missing before {self.rest()!r}")
        self.position += 1

    def script_until_parenthesis(self) -> Script:
        """Return the commands from here on, and stop behind the parenthesis that ends them."""
        body = self.script(())
        self._expect_mark(")")
        return body

    def new(self, text: str) -> Self:
        """Return a parser of another text."""
        return type(self)(text)

    def whole(self) -> Script:
        """Return all commands of the text."""
        script = self.script(())
        if not self.at_end():
            raise self.failure(f"unexpected {self.rest()!r}")
        return script
