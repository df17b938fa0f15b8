"""Programs that read text and print text (POSIX.1-2017, XCU 4)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.options import Options, read_options
from cog_backends.oci.debian.sh.syntax import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_backends.oci.debian.sh.run import Program, Shell, Streams

_SUBSTITUTION: Final = re.compile(r"s(?P<mark>[/|,#@:])(?P<what>.*?)(?P=mark)(?P<by>.*?)(?P=mark)(?P<flags>g?)")
_PRINTING: Final = re.compile(r"/(.*)/p")
_CLASSES: Final = {"[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "[:lower:]": "abcdefghijklmnopqrstuvwxyz"}


def _input(shell: Shell, names: Iterable[str], streams: Streams) -> str:
    names = tuple(names)
    if not names:
        return streams.read_all()
    data = (b"" if name == "/dev/null" else shell.tree.read(shell.path(name)) for name in names)
    return b"".join(data).decode("utf-8", "surrogateescape")


def _cat(shell: Shell, arguments: list[str], streams: Streams) -> int:
    streams.write(_input(shell, [name for name in arguments if name != "-"], streams))
    return 0


def _grep(shell: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(arguments, "qsvcixFEe:wl", quiet="q", fixed_strings="F", invert_match="v")
    if "c" in options or "l" in options:
        raise Unreadable("counts with grep")
    pattern, names = options.given.get("e"), options.operands
    if pattern is None:
        pattern, names = names[0], names[1:]
    there = [name for name in names if shell.tree.get(shell.path(name)) is not None]
    if names and not there:
        return 2
    matches = _matcher(pattern, options)
    lines = _input(shell, there, streams).splitlines(keepends=True)
    found = [line for line in lines if bool(matches.search(line.rstrip("\n"))) != ("v" in options)]
    if "q" not in options:
        streams.write("".join(found))
    return int(not found)


def _matcher(pattern: str, options: Options) -> re.Pattern[str]:
    expression = re.escape(pattern) if "F" in options else regex(pattern, extended="E" in options)
    expression = rf"\b(?:{expression})\b" if "w" in options else expression
    expression = rf"^(?:{expression})$" if "x" in options else expression
    return _compiled(expression, pattern, re.IGNORECASE if "i" in options else 0)


def _compiled(expression: str, pattern: str, flags: int = 0) -> re.Pattern[str]:
    try:
        return re.compile(expression, flags)
    except re.error as error:
        raise Unreadable(f"matches {pattern!r}") from error


def regex(pattern: str, *, extended: bool) -> str:
    """Return Python's form of a POSIX regular expression (POSIX.1-2017, XBD 9).

    In the basic form, braces, parentheses and bars are special with a backslash; in the extended one, without.
    """
    found = []
    for part in re.findall(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]|\\.|.", pattern, re.DOTALL):
        if part[0] == "[" and len(part) > 1:
            found.append(_set(part))
        elif not extended and part in {"(", ")", "{", "}", "|", "+", "?"}:
            found.append(f"\\{part}")
        elif not extended and len(part) == 2 and part[1] in "(){}|+?":
            found.append(part[1])
        else:
            found.append(part)
    return "".join(found)


def _set(part: str) -> str:
    for name, characters in (
        ("alpha", "a-zA-Z"),
        ("digit", "0-9"),
        ("alnum", "a-zA-Z0-9"),
        ("space", r"\s"),
        ("blank", r" \t"),
        ("upper", "A-Z"),
        ("lower", "a-z"),
    ):
        part = part.replace(f"[:{name}:]", characters)
    return f"[{part[1:-1].replace('[', chr(92) + '[')}]"


def _sed(shell: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(arguments, "e:rEn", expression="e", quiet="n", regexp_extended="E")
    scripts, names = [options.given.get("e", "")], options.operands
    if not scripts[0]:
        scripts, names = [names[0]], names[1:]
    text = _input(shell, names, streams)
    if "n" in options:
        return _print_lines(scripts[0], text, streams)
    for script in scripts[0].split(";"):
        match = _SUBSTITUTION.fullmatch(script.strip())
        if match is None or "&" in match["by"]:
            raise Unreadable(f"edits with sed {script!r}")
        what = _compiled(regex(match["what"], extended="E" in options or "r" in options), match["what"])
        count = 0 if match["flags"] else 1
        by = match["by"].replace("\\" + match["mark"], match["mark"])
        text = "".join(
            what.sub(by, line.rstrip("\n"), count=count) + "\n" * line.endswith("\n")
            for line in text.splitlines(keepends=True)
        )
    streams.write(text)
    return 0


def _print_lines(script: str, text: str, streams: Streams) -> int:
    match = _PRINTING.fullmatch(script)
    if match is None:
        raise Unreadable(f"edits with sed -n {script!r}")
    what = _compiled(regex(match[1], extended=False), match[1])
    streams.write("".join(line for line in text.splitlines(keepends=True) if what.search(line.rstrip("\n"))))
    return 0


def _tr(_: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(arguments, "d", delete="d")
    sets = [_CLASSES.get(text) or _ranges(text) for text in options.operands]
    if "d" in options:
        table: dict[str, str | int | None] = dict.fromkeys(sets[0])
    elif len(sets) == 2 and sets[1]:
        table = dict(zip(sets[0], sets[1].ljust(len(sets[0]), sets[1][-1]), strict=False))
    else:
        raise Unreadable(f"translates with tr {' '.join(arguments)}")
    streams.write(streams.read_all().translate(str.maketrans(table)))
    return 0


def _ranges(text: str) -> str:
    if "[" in text:
        raise Unreadable(f"translates with tr {text!r}")
    text = text.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text)


def _cut(shell: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(arguments, "d:f:", delimiter="d", fields="f")
    mark, field = options.given.get("d", "\t"), options.given.get("f", "")
    if not field.isdecimal():
        raise Unreadable(f"cuts with {' '.join(arguments)}")
    for line in _input(shell, options.operands, streams).splitlines():
        parts = line.split(mark)
        streams.write((parts[0] if len(parts) == 1 else "".join(parts[int(field) - 1 : int(field)])) + "\n")
    return 0


def _head(shell: Shell, arguments: list[str], streams: Streams) -> int:
    arguments = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in arguments]
    options = read_options(arguments, "n:", lines="n")
    lines = _input(shell, options.operands, streams).splitlines(keepends=True)
    streams.write("".join(lines[: int(options.given.get("n", "10"))]))
    return 0


def _sort(shell: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(arguments, "u", unique="u")
    lines = sorted(_input(shell, options.operands, streams).splitlines())
    streams.write("".join(f"{line}\n" for line in (dict.fromkeys(lines) if "u" in options else lines)))
    return 0


def _basename(_: Shell, arguments: list[str], streams: Streams) -> int:
    name = arguments[0].rstrip("/").rpartition("/")[2]
    suffix = "".join(arguments[1:2])
    streams.write((name.removesuffix(suffix) if name != suffix else name) + "\n")
    return 0


def _dirname(_: Shell, arguments: list[str], streams: Streams) -> int:
    folder, slash, _name = arguments[0].rstrip("/").rpartition("/")
    streams.write((folder.rstrip("/") or ("/" if slash else ".")) + "\n")
    return 0


def _md5sum(shell: Shell, arguments: list[str], streams: Streams) -> int:
    for name in arguments:
        if shell.tree.get(shell.path(name)) is None:
            return 1
        digest = hashlib.md5(shell.tree.read(shell.path(name)), usedforsecurity=False).hexdigest()
        streams.write(f"{digest}  {name}\n")
    return 0


def _cmp(shell: Shell, arguments: list[str], _: Streams) -> int:
    names = [name for name in arguments if not name.startswith("-")]
    if any(shell.tree.get(shell.path(name)) is None for name in names):
        return 2
    return int(len({shell.tree.read(shell.path(name)) for name in names}) > 1)


def _fixed_grep(shell: Shell, arguments: list[str], streams: Streams) -> int:
    return _grep(shell, ["-F", *arguments], streams)


def _extended_grep(shell: Shell, arguments: list[str], streams: Streams) -> int:
    return _grep(shell, ["-E", *arguments], streams)


FILTERS: Final[dict[str, Program]] = {
    "cat": _cat,
    "grep": _grep,
    "fgrep": _fixed_grep,
    "egrep": _extended_grep,
    "sed": _sed,
    "tr": _tr,
    "cut": _cut,
    "head": _head,
    "sort": _sort,
    "basename": _basename,
    "dirname": _dirname,
    "md5sum": _md5sum,
    "cmp": _cmp,
}
"""By name."""
