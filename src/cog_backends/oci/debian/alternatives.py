"""``update-alternatives``: one of several programs under a common name (update-alternatives(1))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.sh.syntax import Unreadable
from cog_oci.entries import Kind
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.oci.debian.sh.run import Shell, Streams
    from cog_backends.oci.debian.tree import Tree

_STATES: Final = "var/lib/dpkg/alternatives"
_LINKS: Final = "/etc/alternatives"
_FAILED: Final = 2
_NO_CHANGE: Final = frozenset({"--remove", "--remove-all", "--auto"})
_QUIET: Final = frozenset({"--quiet", "--verbose", "--force", "--skip-auto"})


@attrs.frozen
class Choice(Frozen):
    """One way to provide a name: a path, how good it is, and the paths that come with it by their names."""

    path: str
    priority: int
    slaves: Mapping[str, str]


@attrs.frozen
class Alternative(Frozen):
    """A common name.

    Attributes:
        link: The path that everybody uses.
        slaves: Paths that follow it, by their names.
        choices: In the order in which they came.
    """

    link: str
    slaves: Mapping[str, str]
    choices: tuple[Choice, ...]

    @classmethod
    def parse(cls, text: str) -> Alternative:
        """Read a file of the alternatives database."""
        _, link, *rest = text.split("\n")
        end = rest.index("")
        slaves = dict(zip(rest[:end:2], rest[1:end:2], strict=True))
        choices, rest = [], rest[end + 1 :]
        while rest and rest[0]:
            paths = dict(zip(slaves, rest[2:], strict=False))
            choices.append(Choice(rest[0], int(rest[1]), {name: path for name, path in paths.items() if path}))
            rest = rest[2 + len(slaves) :]
        return cls(link, slaves, tuple(choices))

    def text(self) -> str:
        """Return the database file: state, link, slaves, an empty line, and each choice with its slaves."""
        lines = ["auto", self.link]
        names = sorted(self.slaves)
        for name in names:
            lines += [name, self.slaves[name]]
        lines.append("")
        for choice in sorted(self.choices, key=lambda choice: choice.path):
            lines += [choice.path, str(choice.priority), *(choice.slaves.get(name, "") for name in names)]
        return "\n".join([*lines, "", ""])

    def added(self, link: str, choice: Choice, slaves: Mapping[str, str]) -> Alternative:
        """Return it with one more choice, or with a changed one."""
        others = tuple(other for other in self.choices if other.path != choice.path)
        return Alternative(link, {**self.slaves, **slaves}, (*others, choice))

    @property
    def best(self) -> Choice:
        """The choice with the highest priority, of several such the one that came first."""
        return max(self.choices, key=lambda choice: choice.priority)


def update_alternatives(shell: Shell, arguments: list[str], streams: Streams) -> int:
    """Do what the program does with these arguments; an exit status.

    Raises:
        Unreadable: A way of using it that is not understood.
    """
    words = [word for word in arguments if word not in _QUIET]
    match words:
        case ["--install", link, name, path, priority, *rest]:
            return _install(shell.tree, (link, name), Choice(path, int(priority), {}), rest)
        case ["--list" | "--query" | "--display" as what, name]:
            alternative = _load(shell.tree, name)
            if alternative is None:
                return _FAILED
            if what != "--list":
                raise Unreadable(f"runs update-alternatives {what}", shell.line)
            streams.write("".join(f"{choice.path}\n" for choice in alternative.choices))
            return 0
        case [what, *_] if what in _NO_CHANGE:
            # In a fresh installation there is nothing of an older version to remove.
            return 0
        case _:
            raise Unreadable(f"runs update-alternatives {' '.join(words[:1])}", shell.line)


def _install(tree: Tree, names: tuple[str, str], choice: Choice, rest: list[str]) -> int:
    link, name = names
    if tree.get(choice.path) is None:
        return _FAILED
    slaves, paths = {}, {}
    while rest:
        word, *rest = rest
        if word not in {"--slave", "--follower"} or len(rest) < 3:
            raise Unreadable(f"runs update-alternatives with {word}")
        slaves[rest[1]], paths[rest[1]] = rest[0], rest[2]
        rest = rest[3:]
    before = _load(tree, name) or Alternative(link, {}, ())
    alternative = before.added(link, attrs.evolve(choice, slaves=paths), slaves)
    tree.write(f"{_STATES}/{name}", alternative.text().encode())
    _point(tree, link, name, alternative.best.path)
    for slave, slave_link in alternative.slaves.items():
        target = alternative.best.slaves.get(slave)
        if target and tree.get(target) is not None:
            _point(tree, slave_link, slave, target)
    return 0


def _point(tree: Tree, link: str, name: str, path: str) -> None:
    there = tree.get(link, follow=False)
    if there is None or there.kind is Kind.SYMLINK:
        tree.link(link, f"{_LINKS}/{name}")
    tree.link(f"{_LINKS}/{name}", path)


def _load(tree: Tree, name: str) -> Alternative | None:
    path = f"{_STATES}/{name}"
    return Alternative.parse(tree.read(path).decode()) if tree.get(path) is not None else None
