"""``dpkg-divert``: files of one package that make room for those of another (dpkg-divert(1))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.database import FOLDER
from cog_backends.oci.debian.sh.options import read_options
from cog_backends.oci.debian.sh.syntax import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.oci.debian.sh.run import Shell, Streams
    from cog_backends.oci.debian.tree import Tree

_FILE: Final = f"{FOLDER}/diversions"
_LOCAL: Final = ":"


def diversions(tree: Tree) -> Mapping[str, tuple[str, str]]:
    """Return by diverted path where it goes, and the package that is not concerned."""
    lines = tree.read(_FILE).decode("utf-8", "surrogateescape").splitlines()
    return {lines[number]: (lines[number + 1], lines[number + 2]) for number in range(0, len(lines), 3)}


def dpkg_divert(shell: Shell, arguments: list[str], streams: Streams) -> int:
    """Write diversions down, or print them; an exit status.

    Raises:
        Unreadable: It would move a file.
    """
    options = read_options(
        arguments,
        "p:d:arlPtnmqL",
        package="p",
        divert="d",
        add="a",
        remove="r",
        list="l",
        listpackage="P",
        truename="t",
        no_rename="n",
        rename="m",
        quiet="q",
        local="L",
    )
    path = options.operands[0] if options.operands else ""
    known = dict(diversions(shell.tree))
    if "t" in options:
        streams.write(f"{known.get(path, (path, ''))[0]}\n")
    elif "P" in options:
        streams.write(f"{known[path][1]}\n" if path in known else "")
    elif "l" in options:
        shown = [name for name in known if not path or name == path]
        streams.write("".join(f"diversion of {name} to {known[name][0]} by {known[name][1]}\n" for name in shown))
    else:
        _change(shell, options.given, path, known)
    return 0


def _change(shell: Shell, given: Mapping[str, str], path: str, known: dict[str, tuple[str, str]]) -> None:
    there = known.pop(path, None)
    moves = "m" in given and shell.tree.get(there[0] if there else path, follow=False) is not None
    if "r" in given and there is None:
        return
    if moves:
        raise Unreadable(f"diverts {path}", shell.line)
    if "r" not in given:
        known[path] = (given.get("d", f"{path}.distrib"), given.get("p", _LOCAL))
    text = "".join(f"{name}\n{target}\n{package}\n" for name, (target, package) in known.items())
    shell.tree.write(_FILE, text.encode("utf-8", "surrogateescape"))
