"""From the text of a YAML file to a tree of nodes, with limits, and with every mistake at its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import yaml
from yaml.reader import ReaderError

from cog_core.config import advice
from cog_core.config.nodes import Entry, Listing, Node, Path, Scalar, Table, join
from cog_core.errors import ConfigInvalid, Origin, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.config.findings import Findings

LARGEST: Final = 1024 * 1024
"""Characters that a configuration may have."""
_DEEPEST = 32
_MOST_NODES = 20_000
_STANDARD_TAG = "tag:yaml.org,2002:"
_NULL = f"{_STANDARD_TAG}null"
_MERGE = f"{_STANDARD_TAG}merge"
_MISUSED_TAGS = {"!", "tag:yaml.org,2002:binary"}


def read_yaml(text: str, *, file: str, findings: Findings) -> Table:
    """Read a YAML document whose outermost value is a mapping; an empty one gives an empty mapping.

    Args:
        text: The document.
        file: Name for messages.
        findings: Gets what is wrong but leaves the rest readable, such as a key that stands twice.

    Raises:
        ConfigInvalid: The text is no YAML, too large, or no mapping.
    """
    if len(text) > LARGEST:
        raise ConfigInvalid(
            [Problem(message=f"{file} is larger than {LARGEST} characters", origin=Origin(file=file))]
        )
    node = _compose(text, file)
    if node is None:
        return Table((), Origin(file=file, line=1, column=1))
    tree = _Builder(file=file, findings=findings).build(node, (), 0)
    if isinstance(tree, Scalar) and tree.text is None:
        tree = Table((), tree.origin)
    if not isinstance(tree, Table):
        raise ConfigInvalid([advice.no_mapping(text, tree, file)])
    return tree


class _Loader(yaml.SafeLoader):
    """A loader that stops before deep nesting exhausts the stack."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = parent.start_mark if parent is not None else None
            raise yaml.composer.ComposerError(None, None, f"nested more than {_DEEPEST} levels deep", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        loader = _Loader(text.removeprefix("\ufeff"))
        return loader.get_single_node()
    except ReaderError as error:
        raise ConfigInvalid([_unprintable(text, error, file)]) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigInvalid([advice.no_yaml(text, error, file)]) from error
    except (ValueError, OverflowError) as error:  # pyyaml takes numbers in escapes and directives as they come
        raise ConfigInvalid([advice.parse_error(str(error), Origin(file=file))]) from error


def _unprintable(text: str, error: ReaderError, file: str) -> Problem:
    before = text.removeprefix("\ufeff")[: error.position]
    line = before.count("\n") + 1
    origin = Origin(file=file, line=line, column=len(before) - before.rfind("\n"))
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1])
    return advice.parse_error(f"character U+{code:04X} is not allowed", origin, hint="Delete that character.")


@attrs.define(kw_only=True)
class _Builder:
    """Turns pyyaml's nodes into ours and collects what is wrong on the way."""

    file: str
    findings: Findings
    count: int = 0

    def build(self, node: yaml.Node, path: Path, depth: int) -> Node:
        """Convert one node; an alias counts as often as it is used, so that a small text cannot grow for ever."""
        self.count += 1
        origin = self._origin(node, path)
        if self.count > _MOST_NODES or depth > _DEEPEST:
            raise ConfigInvalid([advice.parse_error("too many or too deeply nested values", origin)])
        if not node.tag.startswith(_STANDARD_TAG) or node.tag in _MISUSED_TAGS:
            self._complain(
                f"the tag {node.tag} has no meaning here", origin, "Remove the word with the exclamation mark."
            )
        match node:
            case yaml.MappingNode():
                return Table(tuple(self._entries(node, path, depth)), origin)
            case yaml.SequenceNode():
                items = enumerate(node.value)
                return Listing(tuple(self.build(item, (*path, i), depth + 1) for i, item in items), origin)
            case _:
                return Scalar(None if node.tag == _NULL else node.value, origin)

    def _entries(self, node: yaml.MappingNode, path: Path, depth: int) -> Iterator[Entry]:
        seen: dict[str, int] = {}
        merged: list[Entry] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += self._merged(value, path, depth)
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._complain("a key must be a single word", self._origin(key, path), "Put the key in quotes.")
                continue
            here = (*path, key.value)
            origin = self._origin(key, here)
            if key.value in seen:
                fact = f'key "{key.value}" is already defined at line {seen[key.value]}'
                self._complain(fact, origin, "Keep one of the two.")
                continue
            seen[key.value] = key.start_mark.line + 1
            yield Entry(key.value, origin, self.build(value, here, depth + 1))
        for entry in merged:
            if entry.key not in seen:
                seen[entry.key] = 0
                yield entry

    def _merged(self, node: yaml.Node, path: Path, depth: int) -> list[Entry]:
        """Return the entries that ``<<`` brings in (YAML 1.1, "Merge Key Language-Independent Type")."""
        tables = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(table, yaml.MappingNode) for table in tables):
            self._complain("<< needs a mapping", self._origin(node, path), "Write an alias of a mapping after <<.")
            return []
        entries: list[Entry] = []
        for table in tables:
            built = self.build(table, path, depth + 1)
            entries += built.entries if isinstance(built, Table) else ()
        return entries

    def _origin(self, node: yaml.Node, path: Path) -> Origin:
        mark = node.start_mark
        return Origin(file=self.file, key=join(path), line=mark.line + 1, column=mark.column + 1)

    def _complain(self, fact: str, origin: Origin, hint: str) -> None:
        self.findings.problems.append(advice.parse_error(fact, origin, hint=hint))
