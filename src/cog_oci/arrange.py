"""The order of a layer's members: parents first, hard links behind their file, whatever order they came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci.entries import Entry, Kind
from cog_oci.errors import InvalidImage
from cog_oci.tar_header import raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHOWN = 10


def arrange(entries: Iterable[Entry], *, mtime: int) -> tuple[Entry, ...]:
    """Return all members of a layer in the order in which they are written.

    Raises:
        InvalidImage: Two entries have one path, one lies below something that is no folder, or a hard link means
            no file of this layer.
    """
    by_path = _unique(entries)
    _add_parents(by_path, mtime)
    links = [entry for entry in by_path.values() if entry.kind is Kind.HARDLINK]
    by_path.update(_turned(links, by_path))
    return tuple(sorted(by_path.values(), key=lambda entry: raw(entry.path)))


def _unique(entries: Iterable[Entry]) -> dict[str, Entry]:
    by_path: dict[str, Entry] = {}
    twice = set()
    for entry in entries:
        if by_path.setdefault(entry.path, entry) is not entry:
            twice.add(entry.path)
    if twice:
        raise InvalidImage(f"a layer cannot hold a path twice: {_listed(twice)}")
    return by_path


def _add_parents(by_path: dict[str, Entry], mtime: int) -> None:
    below_file = set()
    for path in list(by_path):
        for parent in _parents(path):
            known = by_path.get(parent)
            if known is None:
                by_path[parent] = Entry(path=parent, kind=Kind.FOLDER, mode=0o755, mtime=mtime)
                continue
            if known.kind is not Kind.FOLDER:
                below_file.add(path)
            break
    if below_file:
        raise InvalidImage(f"a layer cannot hold paths below something that is no folder: {_listed(below_file)}")


def _parents(path: str) -> Iterator[str]:
    while (cut := path.rfind("/")) > 0:
        path = path[:cut]
        yield path


def _turned(links: list[Entry], by_path: dict[str, Entry]) -> dict[str, Entry]:
    """Give each file's content to the first of its names and make the others links to that."""
    names: dict[str, list[str]] = {}
    for link in links:
        file = by_path.get(link.target)
        if file is None or file.kind is not Kind.FILE:
            raise InvalidImage(f"hard link {link.path!r} means {link.target!r}, which is no file of its layer")
        names.setdefault(file.path, [file.path]).append(link.path)
    changed = {}
    for path, group in names.items():
        first, *others = sorted(group, key=raw)
        file = attrs.evolve(by_path[path], path=first)
        changed[first] = file
        for other in others:
            changed[other] = attrs.evolve(file, path=other, kind=Kind.HARDLINK, target=first, content=b"", xattrs=())
    return changed


def _listed(paths: set[str]) -> str:
    shown = ", ".join(map(repr, sorted(paths)[:_SHOWN]))
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more"
