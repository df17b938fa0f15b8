"""Programs that look users and groups up or add them (passwd(5), group(5), Debian policy 9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.sh.options import Options, read_options
from cog_backends.oci.debian.sh.syntax import Unreadable

if TYPE_CHECKING:
    from cog_backends.oci.debian.sh.run import Program, Shell, Streams
    from cog_backends.oci.debian.tree import Tree

_USERS: Final = "/etc/passwd"
_GROUPS: Final = "/etc/group"
_SHADOW: Final = "/etc/shadow"
_GSHADOW: Final = "/etc/gshadow"
_FIRST: Final = 100
_AFTER_LAST: Final = 1000
_NOBODY: Final = 65534
_MISSING: Final = 2
_READERS: Final = 42
_LONG: Final[dict[str, str]] = {
    "system": "r",
    "group": "U",
    "user_group": "U",
    "home": "d",
    "home_dir": "d",
    "shell": "s",
    "gecos": "c",
    "comment": "c",
    "ingroup": "i",
    "gid": "g",
    "uid": "u",
    "quiet": "q",
    "force": "f",
    "no_create_home": "M",
    "disabled_password": "q",
    "disabled_login": "q",
    "force_badname": "q",
    "allow_bad_names": "q",
    "allow_badname": "q",
}
_LETTERS: Final = "rUd:s:c:i:g:u:qMf"


def _rows(tree: Tree, path: str) -> list[list[str]]:
    if tree.get(path) is None:
        return []
    return [line.split(":") for line in tree.read(path).decode("utf-8", "replace").splitlines()]


def _append(tree: Tree, path: str, *fields: str) -> None:
    if tree.get(path) is None:
        return
    before = tree.read(path)
    tree.write(path, before + ":".join(fields).encode() + b"\n")


def _find(tree: Tree, path: str, name: str) -> list[str] | None:
    return next((row for row in _rows(tree, path) if name in {row[0], row[2]}), None)


def _free(tree: Tree) -> int:
    """Return the first number of the range for system accounts that neither a user nor a group has."""
    taken = {row[2] for path in (_USERS, _GROUPS) for row in _rows(tree, path)}
    return next(number for number in range(_FIRST, _AFTER_LAST) if str(number) not in taken)


def _getent(shell: Shell, arguments: list[str], streams: Streams) -> int:
    database, *names = arguments
    if database not in {"passwd", "group"}:
        raise Unreadable(f"looks up {database}", shell.line)
    path = f"/etc/{database}"
    rows = [row for name in names if (row := _find(shell.tree, path, name))] if names else _rows(shell.tree, path)
    streams.write("".join(":".join(row) + "\n" for row in rows))
    return 0 if len(rows) >= len(names) else _MISSING


def _add_group(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, _LETTERS, **_LONG)
    (name,) = options.operands
    _make_group(shell.tree, name, options.given.get("g", ""))
    return 0


def _make_group(tree: Tree, name: str, number: str = "") -> str:
    """Return the number of a group, which is made when there is none."""
    there = _find(tree, _GROUPS, name)
    if there is None:
        there = [name, "x", number or str(_free(tree)), ""]
        _append(tree, _GROUPS, *there)
        _append(tree, _GSHADOW, name, "!", "", "")
    return there[2]


def _add_user(shell: Shell, arguments: list[str], _: Streams) -> int:
    options = read_options(arguments, _LETTERS, **_LONG)
    if "r" not in options:
        raise Unreadable("adds a user who is no system user", shell.line)
    match options.operands:
        case (name,):
            _make_user(shell.tree, name, options)
        case (name, group) if _find(shell.tree, _USERS, name):
            _join(shell.tree, name, group)
        case _:
            raise Unreadable("adds users in a way that is not understood", shell.line)
    return 0


def _make_user(tree: Tree, name: str, options: Options) -> None:
    if _find(tree, _USERS, name):
        return
    number = options.given.get("u") or str(_free(tree))
    home, shell = options.given.get("d", "/nonexistent"), options.given.get("s", "/usr/sbin/nologin")
    group = options.given.get("i") or options.given.get("g")
    if "U" in options and not group:
        gid = _make_group(tree, name, number if not _find(tree, _GROUPS, number) else "")
    else:
        gid = _make_group(tree, group) if group else str(_NOBODY)
    _append(tree, _USERS, name, "x", number, gid, options.given.get("c", ""), home, shell)
    _append(tree, _SHADOW, name, "!", "", "", "", "", "", "", "")
    if "M" not in options and not home.startswith("/nonexistent"):
        tree.make_folder(home)


def _join(tree: Tree, name: str, group: str) -> None:
    rows = _rows(tree, _GROUPS)
    for row in rows:
        if row[0] == group and name not in row[3].split(","):
            row[3] = ",".join(filter(None, (row[3], name)))
    tree.write(_GROUPS, "".join(":".join(row) + "\n" for row in rows).encode())


def _shadow(shell: Shell, arguments: list[str], _: Streams) -> int:
    """Move passwords out of the files that everybody may read (shadowconfig(8))."""
    if arguments[:1] not in ([], ["on"]):
        raise Unreadable("runs shadowconfig", shell.line)
    for public, secret, filler in ((_USERS, _SHADOW, [""] * 7), (_GROUPS, _GSHADOW, ["", ""])):
        if shell.tree.get(secret) is None:
            rows = _rows(shell.tree, public)
            lines = [":".join([row[0], row[1], *filler]) + "\n" for row in rows]
            shell.tree.write(secret, "".join(lines).encode(), mode=0o640)
            shell.call("chgrp", [str(_READERS), secret], _)
            shell.tree.write(public, "".join(":".join([row[0], "x", *row[2:]]) + "\n" for row in rows).encode())
    return 0


USER_PROGRAMS: Final[dict[str, Program]] = {
    "getent": _getent,
    "addgroup": _add_group,
    "groupadd": _add_group,
    "adduser": _add_user,
    "useradd": _add_user,
    "shadowconfig": _shadow,
}
"""By name."""
