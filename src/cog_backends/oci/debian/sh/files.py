"""Programs that make, change and remove files (POSIX.1-2017, XCU 4), on the tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.sh.options import Options, read_options
from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from cog_backends.oci.debian.sh.run import Program, Shell, Streams

    _Act: TypeAlias = Callable[[str], None]

_CLAUSE: Final = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)")
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}


def _mkdir(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "pm:vZ", parents="p", mode="m")
    mode = _mode(options.given.get("m", ""), 0o777 & ~shell.umask, is_folder=True)
    for folder in options.operands:
        path = shell.path(folder)
        if shell.tree.get(path) is not None and not ("p" in options and shell.tree.is_folder(path)):
            return 1
        if "p" not in options and not shell.tree.is_folder(path.rstrip("/").rpartition("/")[0]):
            return 1
        shell.tree.make_folder(path, mode=mode)
    return 0


def _rmdir(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "pv", ignore_fail_on_non_empty="i", parents="p")
    status = 0
    for folder in options.operands:
        path = shell.path(folder)
        if shell.tree.is_folder(path) and not shell.tree.names(path):
            shell.tree.remove(path)
        elif "i" not in options:
            status = 1
    return status


def _rm(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "rRfv", recursive="r", force="f")
    status = 0
    for name in options.operands:
        path = shell.path(name)
        entry = shell.tree.get(path, follow=False)
        if entry is None:
            status |= "f" not in options
        elif entry.kind is not Kind.FOLDER:
            shell.tree.remove(path)
        elif "r" in options or "R" in options:
            for inner in reversed(shell.tree.under(path)):
                shell.tree.remove(inner.path)
            shell.tree.remove(path)
        else:
            status = 1
    return status


def _ln(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(
        arguments, "snfvrTt:", symbolic="s", force="f", no_dereference="n", no_target_directory="T", relative="r"
    )
    if "r" in options or "t" in options:
        raise Unreadable("links with options that are not known here")
    *targets, last = options.operands if len(options.operands) > 1 else (*options.operands, ".")
    follow = "n" not in options and "T" not in options
    for target in targets:
        path = shell.path(last)
        if _is_folder(shell, path, follow=follow):
            path = f"{path}/{target.rstrip('/').rpartition('/')[2]}"
        if shell.tree.get(path, follow=False) is not None and "f" not in options:
            return 1
        if "s" in options:
            shell.tree.link(path, target)
        else:
            shell.tree.put(Entry(path=_relative(path), kind=Kind.HARDLINK, target=_relative(shell.path(target))))
    return 0


def _cp(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(
        arguments, "pPdfaTLZvnu", preserve="p", archive="a", force="f", no_dereference="P", dereference="L"
    )
    *sources, last = options.operands
    follow = options.given.keys().isdisjoint("Pda")
    status = 0
    for source in sources:
        entry = shell.tree.get(shell.path(source), follow=follow)
        if entry is None or entry.kind is Kind.FOLDER:
            status = 1
            continue
        path = _destination(shell, source, last, options)
        if "n" in options and shell.tree.get(path) is not None:
            continue
        mode = entry.mode if {"p", "a"} & options.given.keys() else entry.mode & ~shell.umask
        shell.tree.put(attrs.evolve(entry, path=_relative(path), mode=mode))
    return status


def _mv(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "fnvTZ", force="f", no_target_directory="T")
    *sources, last = options.operands
    for source in sources:
        start = shell.path(source)
        entry = shell.tree.get(start, follow=False)
        if entry is None:
            return 1
        path = _destination(shell, source, last, options)
        moved = [entry, *(shell.tree.under(start) if entry.kind is Kind.FOLDER else ())]
        for one in reversed(moved):
            shell.tree.remove(one.path)
        for one in moved:
            shell.tree.put(attrs.evolve(one, path=_relative(path) + one.path[len(entry.path) :]))
    return 0


def _touch(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "acmhr:d:t:", reference="r", no_dereference="h", date="d", no_create="c")
    for name in options.operands:
        if shell.tree.get(shell.path(name), follow=False) is None and "c" not in options:
            shell.tree.write(shell.path(name), b"", mode=0o666 & ~shell.umask)
    return 0


def _install(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "dm:o:g:pDTv", mode="m", owner="o", group="g", directory="d")
    mode = _mode(options.given.get("m", ""), 0o755, is_folder=True)
    paths = [shell.path(name) for name in options.operands]
    if "d" not in options:
        *sources, last = options.operands
        paths = [_destination(shell, source, last, options) for source in sources]
        for source, path in zip(sources, paths, strict=True):
            shell.tree.write(path, shell.tree.read(shell.path(source)), mode=mode)
    else:
        for path in paths:
            shell.tree.make_folder(path)
    for path in paths:
        _own(shell, path, options.given.get("o", ""), options.given.get("g", ""), follow=True)
        _change_mode(shell, path, f"{mode:o}")
    return 0


def _chmod(shell: Shell, arguments: list[str], _: Streams) -> int:
    arguments = [
        f"a{word}" if word.startswith("-") and _CLAUSE.fullmatch(word) and word[1] in "xwst" else word
        for word in arguments
    ]
    options = read_options(arguments, "Rfvc", recursive="R", silent="f", quiet="f")
    mode, *names = options.operands
    return _for_each(shell, names, options, lambda path: _change_mode(shell, path, mode))


def _chown(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, "Rfhvc", recursive="R", no_dereference="h", silent="f", quiet="f")
    owner, *names = options.operands
    user, _colon, group = owner.replace(".", ":", "." in owner and ":" not in owner).partition(":")
    return _for_each(shell, names, options, lambda path: _own(shell, path, user, group, follow="h" not in options))


def _chgrp(shell: Shell, arguments: list[str], streams: Streams) -> int:
    place = next(number for number, word in enumerate(arguments) if not word.startswith("-"))
    return _chown(shell, [*arguments[:place], f":{arguments[place]}", *arguments[place + 1 :]], streams)


def _for_each(shell: Shell, names: list[str], options: Options, act: _Act) -> int:
    status = 0
    for name in names:
        path = shell.path(name)
        if shell.tree.get(path) is None:
            status = 1
            continue
        if "R" in options:
            for entry in shell.tree.under(path):
                if entry.kind is not Kind.SYMLINK:
                    act(entry.path)
        act(path)
    return status


def _own(shell: Shell, path: str, user: str, group: str, *, follow: bool) -> None:
    entry = shell.tree.get(path, follow=follow)
    if entry is None:
        raise Unreadable(f"changes the owner of {path}, which is not there")
    uid = number_of(shell, "/etc/passwd", user) if user else entry.uid
    gid = number_of(shell, "/etc/group", group) if group else entry.gid
    shell.tree.change(attrs.evolve(entry, uid=uid, gid=gid))


def number_of(shell: Shell, database: str, name: str) -> int:
    """Return the number of a user or group.

    Raises:
        Unreadable: Nobody is called so.
    """
    if name.isdecimal():
        return int(name)
    for line in shell.tree.read(database).decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2])
    raise Unreadable(f"needs {name} in {database}")


def _change_mode(shell: Shell, path: str, text: str) -> None:
    entry = shell.tree.get(path)
    if entry is not None:
        mode = _mode(text, entry.mode, is_folder=entry.kind is Kind.FOLDER)
        shell.tree.change(attrs.evolve(entry, mode=mode))


def _mode(text: str, before: int, *, is_folder: bool) -> int:
    """Return the mode that ``text`` makes of another one."""
    if not text or text.isdecimal():
        return int(text, 8) if text else before
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise Unreadable(f"changes modes with {text!r}")
        before = _clause(match, before, is_folder=is_folder)
    return before


def _clause(match: re.Match[str], before: int, *, is_folder: bool) -> int:
    who, operator, what = match.groups()
    who = "ugo" if not who or "a" in who else who
    bits = 0o1000 * ("t" in what)
    executes = "x" in what or ("X" in what and (is_folder or before & 0o111))
    for one in who:
        bits |= (4 * ("r" in what) + 2 * ("w" in what) + bool(executes)) << _SHIFTS[one]
        bits |= {"u": 0o4000, "g": 0o2000, "o": 0}[one] * ("s" in what)
    if operator == "=":
        return before & ~sum(0o7 << _SHIFTS[one] for one in set(who)) | bits
    return before | bits if operator == "+" else before & ~bits


def _readlink(shell: Shell, arguments: list[str], streams: Streams) -> int:
    options = read_options(
        arguments, "efmnqsz", canonicalize="f", canonicalize_missing="m", canonicalize_existing="e"
    )
    for name in options.operands:
        entry = shell.tree.get(shell.path(name), follow=False)
        if not options.given.keys().isdisjoint("fem"):
            if "e" in options and shell.tree.get(shell.path(name)) is None:
                return 1
            streams.write(f"/{shell.tree.resolve(shell.path(name))}\n")
        elif entry is None or entry.kind is not Kind.SYMLINK:
            return 1
        else:
            streams.write(f"{entry.target}\n")
    return 0


def _realpath(shell: Shell, arguments: list[str], streams: Streams) -> int:
    return _readlink(shell, ["-f", *arguments], streams)


def _destination(shell: Shell, source: str, last: str, options: Options) -> str:
    path = shell.path(last)
    if "T" not in options and shell.tree.is_folder(path):
        return f"{path.rstrip('/')}/{source.rstrip('/').rpartition('/')[2]}"
    return path


def _is_folder(shell: Shell, path: str, *, follow: bool) -> bool:
    entry = shell.tree.get(path, follow=False)
    is_link = entry is not None and entry.kind is Kind.SYMLINK
    return shell.tree.is_folder(path) and (follow or not is_link)


def _relative(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in {"", "."})


FILE_PROGRAMS: Final[dict[str, Program]] = {
    "mkdir": _mkdir,
    "rmdir": _rmdir,
    "rm": _rm,
    "ln": _ln,
    "cp": _cp,
    "mv": _mv,
    "touch": _touch,
    "install": _install,
    "chmod": _chmod,
    "chown": _chown,
    "chgrp": _chgrp,
    "readlink": _readlink,
    "realpath": _realpath,
}
"""By name."""
