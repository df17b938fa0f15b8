"""A file system as a value in memory: what an image will hold, while packages are put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_oci.entries import Entry, Kind, Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MAX_LINKS: Final = 40
"""Links followed for one path before it counts as a circle (Linux, path_resolution(7))."""


class TreeError(Exception):
    """A path that leads nowhere, or in circles, or is something else than is needed."""


def content_of(entry: Entry) -> bytes:
    """Return the bytes of a file."""
    match entry.content:
        case bytes() as data:
            return data
        case Slice(path=path, offset=offset, size=size):
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        case path:
            return path.read_bytes()


class Tree:
    """Entries by path. Paths may begin with a slash or not; links in them are followed as a kernel would."""

    def __init__(self, entries: Iterable[Entry] = (), *, mtime: int = 0) -> None:
        """Take over entries whose paths hold no links.

        Args:
            entries: What is there.
            mtime: Time of everything that is made here, in seconds since 1970.
        """
        self._entries = {entry.path: entry for entry in entries}
        self._parents: dict[str, str] = {}
        self.mtime = mtime

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in the order of their paths, so that a folder comes before what is in it."""
        return (self._entries[path] for path in sorted(self._entries))

    def snapshot(self) -> Mapping[str, Entry]:
        """Return the entries by path as they are now."""
        return dict(self._entries)

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """Return the path without links, ``.`` and ``..``; empty for the root.

        Args:
            path: What is looked for; it need not exist.
            follow: Follow a link at the end too.

        Raises:
            TreeError: Links go in circles.
        """
        folder, _, name = "/".join(_parts(path)).rpartition("/")
        if folder not in self._parents:
            self._parents[folder] = self._walk(folder)
        parent = self._parents[folder]
        whole = f"{parent}/{name}" if parent else name
        entry = self._entries.get(whole)
        is_link = entry is not None and entry.kind is Kind.SYMLINK
        return self._walk(whole) if name == ".." or (follow and is_link) else whole

    def _walk(self, path: str) -> str:
        todo, done, links = _parts(path)[::-1], list[str](), 0
        while todo:
            part = todo.pop()
            if part == "..":
                done = done[:-1]
                continue
            entry = self._entries.get("/".join((*done, part)))
            if entry is None or entry.kind is not Kind.SYMLINK:
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise TreeError(f"too many links on the way to /{path}")
            done = [] if entry.target.startswith("/") else done
            todo.extend(reversed(_parts(entry.target)))
        return "/".join(done)

    def get(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return what is at a path; None when there is nothing. A hard link is given as the file that it means."""
        entry = self._entries.get(self.resolve(path, follow=follow))
        return self._entries.get(entry.target) if entry is not None and entry.kind is Kind.HARDLINK else entry

    def is_folder(self, path: str) -> bool:
        """Say whether a folder is there, perhaps behind a link."""
        entry = self.get(path)
        return not self.resolve(path) or (entry is not None and entry.kind is Kind.FOLDER)

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            TreeError: There is none.
        """
        entry = self.get(path)
        if entry is None or entry.kind is not Kind.FILE:
            raise TreeError(f"/{path.lstrip('/')} is no file")
        return content_of(entry)

    def put(self, entry: Entry) -> None:
        """Add an entry as dpkg unpacks it: through links of its path, and leaving a folder that is there as it is.

        Raises:
            TreeError: A folder would replace a file, or a file a folder.
        """
        path = self.resolve(entry.path, follow=False)
        if entry.kind is Kind.FOLDER and self.is_folder(path):
            return
        there = self._entries.get(path)
        if there is not None and Kind.FOLDER in {there.kind, entry.kind}:
            raise TreeError(f"/{path} is both a folder and something else")
        self._make_parents(path)
        target = self.resolve(entry.target, follow=False) if entry.kind is Kind.HARDLINK else entry.target
        self._set(attrs.evolve(entry, path=path, target=target, mtime=self.mtime))

    def write(self, path: str, content: bytes, *, mode: int | None = None) -> None:
        """Write a file; one that is there keeps its owner and, without ``mode``, its mode."""
        there = self.get(path)
        path = self.resolve(path) if there is None else there.path
        base = there or Entry(path=path, mode=0o644)
        self._make_parents(path)
        self._set(attrs.evolve(base, content=content, mode=base.mode if mode is None else mode, mtime=self.mtime))

    def make_folder(self, path: str, *, mode: int = 0o755) -> None:
        """Make a folder and those above it, unless it is there.

        Raises:
            TreeError: Something else is there.
        """
        path = self.resolve(path)
        if not self.is_folder(path):
            self.put(Entry(path=path, kind=Kind.FOLDER, mode=mode))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link in place of whatever is there, unless that is a folder.

        Raises:
            TreeError: A folder is there.
        """
        self.put(Entry(path=self.resolve(path, follow=False), kind=Kind.SYMLINK, mode=0o777, target=target))

    def change(self, entry: Entry) -> None:
        """Put a changed entry in the place of the one with the same path."""
        self._set(attrs.evolve(entry, mtime=self.mtime))

    def remove(self, path: str) -> None:
        """Remove what is at a path, a link itself rather than what it means."""
        path = self.resolve(path, follow=False)
        self._entries.pop(path, None)
        self._parents.clear()

    def under(self, folder: str) -> tuple[Entry, ...]:
        """Return what is in a folder, at any depth, in the order of paths."""
        prefix = self._prefix(folder)
        return tuple(
            self._entries[path] for path in sorted(path for path in self._entries if path.startswith(prefix))
        )

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted."""
        prefix = self._prefix(folder)
        rest = (path[len(prefix) :] for path in self._entries if path.startswith(prefix))
        return tuple(sorted(name for name in rest if "/" not in name))

    def _prefix(self, folder: str) -> str:
        path = self.resolve(folder)
        return f"{path}/" if path else ""

    def _set(self, entry: Entry) -> None:
        there = self._entries.get(entry.path)
        if (there is not None and there.kind is Kind.SYMLINK) or entry.kind is Kind.SYMLINK:
            self._parents.clear()
        self._entries[entry.path] = entry

    def _make_parents(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        there = self._entries.get(folder)
        if folder and there is None:
            self._make_parents(folder)
            self._entries[folder] = Entry(path=folder, kind=Kind.FOLDER, mode=0o755, mtime=self.mtime)
        elif there is not None and there.kind is not Kind.FOLDER:
            raise TreeError(f"/{folder} is not a folder")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
