"""What a new layer is laid over: folders that are not like any other, and links in the place of folders.

A layer that names no parents, or names them as plain ones, changes those that are there. So whoever makes a layer
lets it bring the parents as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from cog_oci.entries import Entry, Kind
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cog_oci.tree import Tree

Likeness: TypeAlias = "tuple[int, int, int]"
"""Mode, user and group of a folder."""

PLAIN: Final[Likeness] = (0o755, 0, 0)
"""What a folder is like that nobody said anything about."""


@attrs.frozen
class Ground(Frozen):
    """What lies below a layer.

    Attributes:
        folders: What the folders are like that are not plain, by their paths.
        links: Where the symbolic links lead that mean folders, by their paths.
    """

    folders: Mapping[str, Likeness] = attrs.field(factory=dict)
    links: Mapping[str, str] = attrs.field(factory=dict)

    def under(self, entries: Iterable[Entry], *, mtime: int, target: str | None = None) -> tuple[Entry, ...]:
        """Return the entries where they belong, with the parents that a layer must not change.

        Args:
            entries: What the layer brings.
            mtime: Time of the parents, in seconds since 1970.
            target: A folder that the entries are put into: one that is there stays as it is, too.
        """
        found = tuple(entries)
        if not self.folders and not self.links:
            return found
        found = tuple(self._as_there(entry) if entry.path == target else entry for entry in found)
        explicit = {entry.path for entry in found}
        if self.links.keys() & _parents(found) - explicit:
            found = tuple(self._moved(entry, explicit) for entry in found)
            explicit = {entry.path for entry in found}
        kept = sorted((self.folders.keys() & _parents(found)) - explicit)
        return (*found, *(_folder(path, self.folders[path], mtime) for path in kept))

    def changed(self, entries: Iterable[Entry]) -> dict[str, Likeness]:
        """Return which folders are no longer, or newly, like the plain ones in a layer on this ground."""
        folders = ((entry.path, likeness(entry)) for entry in entries if entry.kind is Kind.FOLDER)
        return {path: like for path, like in folders if like != self.folders.get(path, PLAIN)}

    def after(self, changed: Mapping[str, Likeness]) -> Ground:
        """Return what lies below the next layer."""
        folders = {**self.folders, **changed}
        return attrs.evolve(self, folders={path: like for path, like in folders.items() if like != PLAIN})

    def around(self, *places: str) -> tuple[str, ...]:
        """Return what is special above, at and below some absolute paths, as words for the key of a layer."""
        words = {path: f"{like[0]:o} {like[1]} {like[2]}" for path, like in self.folders.items()} | dict(self.links)
        near = {
            path
            for path in words
            for place in places
            if f"{place}/".startswith(f"/{path}/") or f"/{path}/".startswith(f"{place}/")
        }
        return tuple(f"{path}: {words[path]}" for path in sorted(near))

    def _as_there(self, entry: Entry) -> Entry:
        if entry.kind is not Kind.FOLDER:
            return entry
        path = self.links.get(entry.path, entry.path)
        return _folder(path, self.folders.get(path, likeness(entry)), entry.mtime) if path else entry

    def _moved(self, entry: Entry, explicit: set[str]) -> Entry:
        target = self._real(entry.target, explicit) if entry.kind is Kind.HARDLINK else entry.target
        return attrs.evolve(entry, path=self._real(entry.path, explicit), target=target)

    def _real(self, path: str, explicit: set[str]) -> str:
        """Return a path without the links above it."""
        for end, letter in enumerate(path):
            if letter == "/" and path[:end] in self.links and path[:end] not in explicit:
                return self._real(f"{self.links[path[:end]]}/{path[end + 1 :]}".lstrip("/"), explicit)
        return path


def of_tree(tree: Tree) -> Ground:
    """Return what a whole image is as ground."""
    from cog_oci.archive_reader import MemberKind  # noqa: PLC0415 - who has a tree has it, others need it not
    from cog_oci.errors import Missing  # noqa: PLC0415 - as above

    folders: dict[str, Likeness] = {}
    links: dict[str, str] = {}
    for path, node in tree.nodes.items():
        if node.kind is MemberKind.FOLDER and path and (node.mode, node.uid, node.gid) != PLAIN:
            folders[path] = (node.mode, node.uid, node.gid)
        elif node.kind is MemberKind.SYMLINK:
            try:
                meant = tree.node(path)
            except Missing:
                continue
            if meant.kind is MemberKind.FOLDER:
                links[path] = meant.path
    return Ground(folders, links)


def likeness(entry: Entry) -> Likeness:
    """Return what a folder is like."""
    return (entry.mode, entry.uid, entry.gid)


def _folder(path: str, like: Likeness, mtime: int) -> Entry:
    mode, uid, gid = like
    return Entry(path=path, kind=Kind.FOLDER, mode=mode, uid=uid, gid=gid, mtime=mtime)


def _parents(entries: Iterable[Entry]) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        for parent in _above(entry.path):
            if parent in found:
                break
            found.add(parent)
    return found


def _above(path: str) -> Iterator[str]:
    while (cut := path.rfind("/")) > 0:
        path = path[:cut]
        yield path
