"""Works out what a shell script does to a tree; no program is ever started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.sh import expand
from cog_backends.oci.debian.sh.parse import parse
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
    Unreadable,
    While,
)
from cog_backends.oci.debian.tree import Tree, TreeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    Program: TypeAlias = "Callable[[Shell, list[str], Streams], int]"

_MAX_STEPS: Final = 20_000
"""Commands that one script may run; the longest real ones need a few hundred."""
_NULL: Final = "/dev/null"


class Leave(Exception):
    """The way out of a script, a function or a loop.

    Attributes:
        what: ``exit``, ``return``, ``break`` or ``continue``.
        status: What is left behind.
    """

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what, status)
        self.what = what
        self.status = status


@attrs.define
class Streams:
    """What a command reads and writes as text.

    Attributes:
        unread: What is left of the input.
        written: What was printed so far; error output is dropped.
    """

    unread: str = ""
    written: list[str] = attrs.field(factory=list)

    def write(self, text: str) -> None:
        """Print a text."""
        self.written.append(text)

    def read_line(self) -> str | None:
        """Return the next line with its end; None when there is none."""
        if not self.unread:
            return None
        line, end, self.unread = self.unread.partition("\n")
        return line + end

    def read_all(self) -> str:
        """Return the rest of the input."""
        text, self.unread = self.unread, ""
        return text


@attrs.define
class Shell:
    """The state of a script.

    Attributes:
        tree: What its paths mean, and what it changes.
        programs: Commands that are understood, by name: called with the shell, the arguments and the streams, they
            return an exit status.
        arguments: The positional parameters.
        variables: By name.
        folder: The working directory.
        umask: Bits that new files do not have.
        functions: By name.
        status: Of the last command.
        stops_on_error: ``set -e``.
        steps: Commands run so far.
        line: Where the script is, for messages.
    """

    tree: Tree
    programs: Mapping[str, Program]
    arguments: list[str]
    variables: dict[str, str] = attrs.field(factory=dict)
    functions: dict[str, Command] = attrs.field(factory=dict)
    folder: str = "/"
    umask: int = 0o022
    status: int = 0
    stops_on_error: bool = False
    line: int = 0
    _locals: list[dict[str, str | None]] = attrs.field(factory=list)
    _tested: int = 0
    _substituted: bool = False
    steps: int = 0

    def run(self, text: str, streams: Streams) -> int:
        """Read a whole script and return its exit status.

        Raises:
            Unreadable: It does something that is not understood here.
        """
        try:
            self.run_script(parse(text), streams)
        except Leave as leave:
            return leave.status
        except TreeError as error:
            raise Unreadable(str(error), self.line) from error
        except RecursionError as error:
            raise Unreadable("is nested too deeply") from error
        return self.status

    def run_text(self, text: str, streams: Streams) -> None:
        """Run the commands of a text as if they stood here."""
        self.run_script(parse(text), streams)

    def path(self, path: str) -> str:
        """Return an absolute path."""
        return path if path.startswith("/") else f"{self.folder.rstrip('/')}/{path}"

    def value(self, name: str) -> str | None:
        """Return a variable or special parameter; None when it is not set."""
        if name in {"@", "*"}:
            return " ".join(self.arguments)
        if name in {"#", "?"}:
            return str(len(self.arguments) if name == "#" else self.status)
        if name.isdecimal():
            number = int(name)
            return (["maintainer-script", *self.arguments])[number] if number <= len(self.arguments) else None
        if not name[0].isalpha() and name[0] != "_":
            raise Unreadable(f"uses ${name}", self.line)
        return self.variables.get(name)

    def assign(self, name: str, value: str) -> None:
        """Set a variable."""
        self.variables[name] = value

    def make_local(self, name: str) -> None:
        """Remember a variable, so that it has its old value again after the function."""
        if self._locals:
            self._locals[-1].setdefault(name, self.variables.get(name))

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder, sorted; none when there is no such folder."""
        return self.tree.names(self.path(folder)) if self.tree.is_folder(self.path(folder)) else ()

    def output_of(self, script: Script) -> str:
        """Return what a script prints."""
        streams = Streams()
        self._in_subshell(script, streams)
        self._substituted = True
        return "".join(streams.written)

    def run_script(self, script: Script, streams: Streams) -> None:
        """Run commands one after the other."""
        for commands in script:
            self._and_or(commands, streams)

    def test(self, script: Script, streams: Streams) -> bool:
        """Run a condition, in which a failure ends nothing."""
        self._tested += 1
        try:
            self.run_script(script, streams)
        finally:
            self._tested -= 1
        return self.status == 0

    def _and_or(self, commands: AndOr, streams: Streams) -> None:
        pipelines = [("", commands.first), *commands.rest]
        for number, (operator, pipeline) in enumerate(pipelines):
            if operator and (self.status == 0) != (operator == "&&"):
                continue
            is_last = number == len(pipelines) - 1
            self._tested += not is_last
            try:
                self._pipeline(pipeline, streams)
            finally:
                self._tested -= not is_last
            if is_last and self.status and self.stops_on_error and not self._tested and not pipeline.negated:
                raise Leave("exit", self.status)

    def _pipeline(self, pipeline: Pipeline, streams: Streams) -> None:
        self._tested += pipeline.negated
        try:
            *first, last = pipeline.commands
            current = streams
            for command in first:
                produced = Streams(current.read_all() if current is not streams else current.unread)
                self._in_subshell((AndOr(Pipeline((command,), negated=False), ()),), produced)
                current = Streams("".join(produced.written))
            final = streams if current is streams else Streams(current.unread, streams.written)
            self._command(last, final)
        finally:
            self._tested -= pipeline.negated
        if pipeline.negated:
            self.status = int(self.status == 0)

    def _in_subshell(self, script: Script, streams: Streams) -> None:
        """Run with variables, functions and a working directory of its own; the tree is shared."""
        inner = attrs.evolve(
            self, variables=dict(self.variables), functions=dict(self.functions), arguments=list(self.arguments)
        )
        try:
            inner.run_script(script, streams)
            self.status = inner.status
        except Leave as leave:
            self.status = leave.status
        self.steps = inner.steps

    def _command(self, command: Command, streams: Streams) -> None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise Unreadable("does not end", self.line)
        with_files = self._redirected(command.redirects, streams)
        self._body(command, with_files)
        self._write_back(command.redirects, with_files)

    def _body(self, command: Command, streams: Streams) -> None:
        match command.body:
            case Simple() as simple:
                self._simple(simple, streams)
            case If(branches, otherwise):
                self._if(branches, otherwise, streams)
            case For() as loop:
                self._for(loop, streams)
            case While() as loop:
                self._while(loop, streams)
            case Case() as choice:
                self._case(choice, streams)
            case Group(body, subshell):
                (self._in_subshell if subshell else self.run_script)(body, streams)
            case Function(name, body):
                self.functions[name] = body
                self.status = 0

    def _if(self, branches: tuple[tuple[Script, Script], ...], otherwise: Script, streams: Streams) -> None:
        for condition, body in branches:
            if self.test(condition, streams):
                return self.run_script(body, streams)
        self.status = 0
        return self.run_script(otherwise, streams)

    def _for(self, loop: For, streams: Streams) -> None:
        words = list(self.arguments) if loop.words is None else expand.fields(loop.words, self)
        self.status = 0
        for word in words:
            self.variables[loop.name] = word
            if self._leaves_loop(loop.body, streams):
                break

    def _while(self, loop: While, streams: Streams) -> None:
        status = 0
        while self.test(loop.condition, streams) is not loop.negated:
            if self._leaves_loop(loop.body, streams):
                break
            status = self.status
        self.status = status

    def _leaves_loop(self, body: Script, streams: Streams) -> bool:
        try:
            self.run_script(body, streams)
        except Leave as leave:
            if leave.what not in {"break", "continue"}:
                raise
            self.status = 0
            return leave.what == "break"
        return False

    def _case(self, choice: Case, streams: Streams) -> None:
        subject = expand.text(choice.subject, self)
        self.status = 0
        for patterns, body in choice.branches:
            if any(expand.pattern(pattern, self).fullmatch(subject) for pattern in patterns):
                return self.run_script(body, streams)
        return None

    def _simple(self, simple: Simple, streams: Streams) -> None:
        self.line = simple.line
        self._substituted = False
        words = expand.fields(simple.words, self)
        values = {name: expand.text(word, self) for name, word in simple.assignments}
        if not words:
            self.variables |= values
            self.status = self.status if self._substituted else 0
            return
        saved = dict(self.variables)
        self.variables |= values
        try:
            self.call(words[0], words[1:], streams)
        finally:
            if values:
                self.variables = saved

    def call(self, name: str, arguments: list[str], streams: Streams) -> None:
        """Run a function, or a program that is understood.

        Raises:
            Unreadable: It is neither.
        """
        if name in self.functions:
            self._function(self.functions[name], arguments, streams)
            return
        program = self.programs.get(name.rpartition("/")[2])
        if program is None:
            raise Unreadable(f"runs {name}", self.line)
        try:
            self.status = program(self, arguments, streams)
        except Unreadable as error:
            raise Unreadable(error.reason, error.line or self.line) from error
        except (ValueError, IndexError, KeyError) as error:
            raise Unreadable(f"calls {name} in a way that is not understood", self.line) from error

    def _function(self, function: Command, arguments: list[str], streams: Streams) -> None:
        outer, self.arguments = self.arguments, arguments
        self._locals.append({})
        try:
            self._command(function, streams)
        except Leave as leave:
            if leave.what != "return":
                raise
            self.status = leave.status
        finally:
            self.arguments = outer
            for name, value in self._locals.pop().items():
                self.variables.pop(name, None)
                self.variables |= {} if value is None else {name: value}

    def _redirected(self, redirects: tuple[Redirect, ...], streams: Streams) -> Streams:
        """Return the streams inside a command; what it prints into a file or nowhere is collected apart."""
        for redirect in redirects:
            match redirect.operator, redirect.descriptor:
                case "<<", 0:
                    streams = Streams(expand.text(redirect.word, self), streams.written)
                case "<", 0:
                    path = expand.text(redirect.word, self)
                    data = b"" if path == _NULL else self.tree.read(self.path(path))
                    streams = Streams(data.decode("utf-8", "surrogateescape"), streams.written)
                case (">" | ">>" | ">|" | ">&", 1):
                    streams = Streams(streams.unread)
                case (">" | ">>" | ">&", 2):
                    pass
                case operator, descriptor:
                    raise Unreadable(f"redirects {descriptor}{operator}", self.line)
        return streams

    def _write_back(self, redirects: tuple[Redirect, ...], streams: Streams) -> None:
        for redirect in redirects:
            path = expand.text(redirect.word, self) if redirect.operator in {">", ">>", ">|"} else _NULL
            if path == _NULL:
                continue
            if redirect.descriptor != 1:
                raise Unreadable(f"writes its errors into {path}", self.line)
            there = self.tree.get(self.path(path))
            before = self.tree.read(self.path(path)) if redirect.operator == ">>" and there else b""
            text = "".join(streams.written).encode("utf-8", "surrogateescape")
            mode = None if there else 0o666 & ~self.umask
            self.tree.write(self.path(path), before + text, mode=mode)
