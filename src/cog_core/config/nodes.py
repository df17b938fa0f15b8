"""A YAML document as a tree whose every part knows where it stands; what a scalar means is decided later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.errors import Origin

Path: TypeAlias = "tuple[str | int, ...]"


@attrs.frozen
class Scalar(Frozen):
    """A single value by its text; None when nothing, ``null`` or ``~`` is written without quotes."""

    text: str | None
    origin: Origin


@attrs.frozen
class Listing(Frozen):
    """A list of values."""

    items: tuple[Node, ...]
    origin: Origin


@attrs.frozen
class Entry(Frozen):
    """A key and its value; ``origin`` is where the key stands."""

    key: str
    origin: Origin
    value: Node


@attrs.frozen
class Table(Frozen):
    """A mapping, in the order in which it is written."""

    entries: tuple[Entry, ...]
    origin: Origin

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def without(self, *keys: str) -> Table:
        """Return the table without these keys."""
        return attrs.evolve(self, entries=tuple(entry for entry in self.entries if entry.key not in keys))

    def renamed(self, old: str, new: str) -> Table:
        """Return the table with another name for a key; its origin keeps the name that is written."""
        return self.mapped(lambda entry: attrs.evolve(entry, key=new) if entry.key == old else entry)

    def mapped(self, change: Callable[[Entry], Entry]) -> Table:
        """Return the table with every entry changed."""
        return attrs.evolve(self, entries=tuple(map(change, self.entries)))


Node: TypeAlias = "Scalar | Listing | Table"


def join(path: Path) -> str:
    """Return a path as people write it: ``build.run[2].command``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def plain(node: Node) -> Any:
    """Return the tree as dictionaries, lists and texts; keys without a value are left out."""
    match node:
        case Scalar(text=text):
            return text
        case Listing(items=items):
            return [plain(item) for item in items]
        case Table(entries=entries):
            values = ((entry.key, plain(entry.value)) for entry in entries)
            return {key: value for key, value in values if value is not None}


def positions(node: Node, path: Path = ()) -> Iterator[tuple[str, Origin]]:
    """Yield the place of every part by its path: of a single value the value's, of anything longer its key's."""
    match node:
        case Listing(items=items):
            for index, item in enumerate(items):
                yield join((*path, index)), item.origin
                yield from positions(item, (*path, index))
        case Table(entries=entries):
            for entry in entries:
                here = (*path, entry.key)
                written = isinstance(entry.value, Scalar) and entry.value.text is not None
                yield join(here), entry.value.origin if written else entry.origin
                yield from positions(entry.value, here)
        case Scalar():
            pass


def key_positions(node: Node, path: Path = ()) -> Iterator[tuple[str, Origin]]:
    """Yield the place of every key by the path to its value."""
    match node:
        case Listing(items=items):
            for index, item in enumerate(items):
                yield from key_positions(item, (*path, index))
        case Table(entries=entries):
            for entry in entries:
                yield join((*path, entry.key)), entry.origin
                yield from key_positions(entry.value, (*path, entry.key))
        case Scalar():
            pass
