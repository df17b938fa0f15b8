"""The commands that are part of the shell (POSIX.1-2017, XCU 2.14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.conditions import bracket, test
from cog_backends.oci.debian.sh.run import Leave, Shell, Streams
from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_oci.entries import Kind

if TYPE_CHECKING:
    from cog_backends.oci.debian.sh.run import Program

_FOLDERS: Final = ("usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin")
_ESCAPE: Final = re.compile(r"\\([abfnrtv\\]|0?[0-7]{1,3})")
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_DIRECTIVE: Final = re.compile(r"%(?:%|(-?\d*)(s|d|b))")


def find_program(shell: Shell, name: str) -> str | None:
    """Return the path of a program in the image; None when there is none."""
    places = (name,) if "/" in name else tuple(f"/{folder}/{name}" for folder in _FOLDERS)
    return next((place for place in places if _is_executable(shell, place)), None)


def _is_executable(shell: Shell, path: str) -> bool:
    entry = shell.tree.get(shell.path(path))
    return entry is not None and entry.kind is Kind.FILE and bool(entry.mode & 0o111)


def _nothing(_: Shell, __: list[str], ___: Streams) -> int:
    return 0


def _false(_: Shell, __: list[str], ___: Streams) -> int:
    return 1


def _echo(_: Shell, arguments: list[str], streams: Streams) -> int:
    """Print as Debian's shell does, which reads escapes."""
    has_end = arguments[:1] != ["-n"]
    streams.write(_unescaped(" ".join(arguments[not has_end :])) + "\n" * has_end)
    return 0


def _printf(_: Shell, arguments: list[str], streams: Streams) -> int:
    template, values = _unescaped(arguments[0]), arguments[1:]
    if "%" in _DIRECTIVE.sub("", template):
        raise Unreadable(f"prints with {arguments[0]!r}")
    while True:
        before = len(values)
        streams.write(_DIRECTIVE.sub(lambda match: _filled(match, values), template))
        if not values or len(values) == before:
            return 0


def _filled(match: re.Match[str], values: list[str]) -> str:
    if match[0] == "%%":
        return "%"
    value = values.pop(0) if values else ""
    value = _unescaped(value) if match[2] == "b" else value
    width = int(match[1] or 0)
    return value.ljust(-width) if width < 0 else value.rjust(width)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1]) or chr(int(match[1], 8)), text)


def _set(shell: Shell, arguments: list[str], _: Streams) -> int:
    for number, argument in enumerate(arguments):
        if argument == "--":
            shell.arguments = arguments[number + 1 :]
            return 0
        if not re.fullmatch(r"[-+][eux]+", argument):
            shell.arguments = arguments[number:]
            return 0
        if "e" in argument:
            shell.stops_on_error = argument.startswith("-")
    return 0


def _export(shell: Shell, arguments: list[str], _: Streams) -> int:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals:
            shell.assign(name, value)
    return 0


def _local(shell: Shell, arguments: list[str], _: Streams) -> int:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        shell.make_local(name)
        if equals:
            shell.assign(name, value)
    return 0


def _unset(shell: Shell, arguments: list[str], _: Streams) -> int:
    for name in arguments:
        shell.variables.pop(name, None)
    return 0


def _shift(shell: Shell, arguments: list[str], _: Streams) -> int:
    del shell.arguments[: int(arguments[0]) if arguments else 1]
    return 0


def _leave(what: str) -> Program:
    def leave(shell: Shell, arguments: list[str], _: Streams) -> int:
        if arguments and not arguments[0].isdecimal():
            raise Unreadable(f"leaves with {arguments[0]!r}")
        raise Leave(what, int(arguments[0]) if arguments else shell.status)

    return leave


def _read(shell: Shell, arguments: list[str], streams: Streams) -> int:
    names = [name for name in arguments if name != "-r"]
    line = streams.read_line()
    parts = (line or "").rstrip("\n").split(shell.value("IFS") or None, max(len(names) - 1, 0))
    for number, name in enumerate(names):
        shell.assign(name, parts[number].strip() if number < len(parts) else "")
    return int(line is None)


def _cd(shell: Shell, arguments: list[str], _: Streams) -> int:
    folder = shell.path(arguments[-1] if arguments else "/root")
    if not shell.tree.is_folder(folder):
        return 1
    shell.folder = folder
    return 0


def _umask(shell: Shell, arguments: list[str], streams: Streams) -> int:
    if not arguments:
        streams.write(f"{shell.umask:04o}\n")
    else:
        shell.umask = int(arguments[0], 8)
    return 0


def _command(shell: Shell, arguments: list[str], streams: Streams) -> int:
    if arguments[:1] not in (["-v"], ["-V"]):
        shell.call(arguments[0], arguments[1:], streams)
        return shell.status
    return _which(shell, arguments[1:], streams)


def _which(shell: Shell, arguments: list[str], streams: Streams) -> int:
    found = [find_program(shell, name) for name in arguments if not name.startswith("-")]
    streams.write("".join(f"{path}\n" for path in found if path))
    return int(None in found)


def _source(shell: Shell, arguments: list[str], streams: Streams) -> int:
    path = shell.path(arguments[0])
    if path == "/usr/share/debconf/confmodule":
        return 0
    text = shell.tree.read(path).decode("utf-8", "replace")
    shell.run_text(text, streams)
    return shell.status


def _eval(shell: Shell, arguments: list[str], streams: Streams) -> int:
    shell.run_text(" ".join(arguments), streams)
    return shell.status


BUILTINS: Final[dict[str, Program]] = {
    ":": _nothing,
    "true": _nothing,
    "false": _false,
    "trap": _nothing,
    "echo": _echo,
    "printf": _printf,
    "set": _set,
    "export": _export,
    "readonly": _export,
    "local": _local,
    "unset": _unset,
    "shift": _shift,
    "exit": _leave("exit"),
    "return": _leave("return"),
    "break": _leave("break"),
    "continue": _leave("continue"),
    "read": _read,
    "cd": _cd,
    "umask": _umask,
    "command": _command,
    "which": _which,
    "type": _which,
    ".": _source,
    "eval": _eval,
    "test": test,
    "[": bracket,
}
"""By name."""
