"""Bring a tree of nodes into the model's types: mend what is clear, report the rest, and go on without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.config import known
from cog_core.config.findings import shown
from cog_core.config.model import Config
from cog_core.config.nodes import Listing, Node, Path, Scalar, Table, join, plain
from cog_core.config.shapes import Misfit, read

if TYPE_CHECKING:
    from cog_core.config.findings import Findings
    from cog_core.errors import Origin

_MESSAGES: Final = {
    "mapping": "must be a mapping",
    "list": "must be a list",
    "string": "must be a string",
    "boolean": "must be a boolean",
    "integer": "must be an integer",
    "number": "must be a number",
    "max": "max is required",
    "mount": 'must be "secret" or "ssh"',
    "agent": "must be of letters, digits, dots, dashes and underscores",
    "secret": "must be a name without blanks and commas",
    "path": "must be an absolute path",
    "command": "must be a string or a mapping with the key command",
}
_QUOTE = 'YAML reads "a: b" as a mapping; put the whole line in quotes.'
_HINTS: Final[dict[tuple[str, type | None], str]] = {
    ("mapping", Listing): "Remove the dashes: write one key: value a line, indented.",
    ("mapping", None): "Write one key: value a line below it, indented.",
    ("list", None): "Write one item a line, each behind a dash.",
    ("string", Table): _QUOTE,
    ("command", Table): _QUOTE,
    ("string", Listing): "Write a single value without a dash.",
    ("boolean", None): "Write true or false.",
    ("max", None): "Write max, queue, workers, threads, timeout or batch in it, or leave it out.",
}
_SAYS_NOTHING: Final = Misfit(("concurrency",), "max")
_ONE_WORD = frozenset({"python_packages", "system_packages", "python_extra_index_urls", "python_find_links"})


def fit(tree: Table, findings: Findings, *, strict: bool = False) -> tuple[Config, Table]:
    """Return the configuration as far as the tree gives one, and the tree without what does not belong in it.

    Args:
        tree: The document, with today's names.
        findings: Gets everything that does not fit.
        strict: An unknown key is a problem, not a warning.
    """
    while isinstance(result := _validated(tree), list):
        tree = _amended(tree, result, findings, strict=strict)
    return result, tree


def _validated(tree: Table) -> Config | list[Misfit]:
    misfits: list[Misfit] = []
    return read(Config, plain(tree), (), misfits) or misfits


def _amended(tree: Table, misfits: list[Misfit], findings: Findings, *, strict: bool) -> Table:
    """Report every part that did not fit, and mend it or take it away."""
    changes: dict[Path, Node | None] = {}
    for misfit in misfits:
        path = _existing(tree, misfit.path)
        node, key = _look_up(tree, path)
        place = node.origin if isinstance(node, Scalar) and node.text is not None else key
        if misfit.kind == "unknown":
            _report_unknown(path, key, findings, strict=strict)
            changes[path] = None
        elif misfit.kind == "list" and (mended := _mended(node, path)):
            findings.note(_mending_note(path), place)
            changes[path] = mended
        else:
            _report(misfit, node, place, findings)
            changes[_whole(path, misfit)] = None
    return _without_consequence(_changed(tree, changes), misfits)


def _without_consequence(tree: Table, misfits: list[Misfit]) -> Table:
    """Take ``concurrency`` away when a wrong value was all that it said, so that its emptiness is not told too."""
    wrong = any(misfit.path[0] == "concurrency" and misfit.kind != "unknown" for misfit in misfits)
    left = _validated(tree) if wrong else ()
    return tree.without("concurrency") if isinstance(left, list) and _SAYS_NOTHING in left else tree


def _whole(path: Path, misfit: Misfit) -> Path:
    """Return what to take away: of a mapping that is nothing without one of its keys, all of it."""
    parent = path[:-1] if misfit.kind != "missing" else path
    return parent if "mounts" in parent[:-1] else path


def _changed(tree: Table, changes: dict[Path, Node | None]) -> Table:
    """Apply changes from the end, so that indices stay right, and none inside a part that goes away."""
    if () in changes:
        raise AssertionError("the whole document cannot go away")
    changed: Node = tree
    for path in sorted(changes, reverse=True):
        if not any(path[:end] in changes for end in range(1, len(path))):
            changed = _replaced(changed, path, changes[path])
    assert isinstance(changed, Table)
    return changed


def _report(misfit: Misfit, node: Node, origin: Origin, findings: Findings) -> None:
    kind = misfit.kind
    fact = f"{misfit.path[-1]} is required" if kind == "missing" else _MESSAGES[kind]
    if isinstance(node, Scalar) and node.text:
        fact += f', not "{shown(node.text)}"'
    findings.problem(f'schema error in "{origin.key}": {fact}', origin, _hint(kind, node))


def _hint(kind: str, node: Node) -> str | None:
    if isinstance(node, Scalar) and node.text is None:
        return "Write the item behind the dash, or remove the dash."
    return _HINTS.get((kind, type(node))) or _HINTS.get((kind, None))


def _report_unknown(path: Path, origin: Origin, findings: Findings, *, strict: bool) -> None:
    section = re.sub(r"\[\d+\]", "[]", join(path[:-1]))
    report = findings.problem if strict else findings.warn
    report(f'unknown key "{origin.key}"', origin, known.advice(str(path[-1]), section))


def _mended(node: Node, path: Path) -> Node | None:
    """Return the list that was meant by a single value, or by a mapping of variables; None if that is not clear."""
    if path == ("environment",) and isinstance(node, Table):
        pairs = [Scalar(_pair(entry.key, entry.value), entry.value.origin) for entry in node.entries]
        return Listing(tuple(pairs), node.origin) if all(pair.text for pair in pairs) else None
    if not isinstance(node, Scalar) or node.text is None:
        return None
    blank = r"\s" if path[-1] in _ONE_WORD else r"\n"
    if path != ("build", "run") and re.search(blank, node.text.strip()):
        return None
    return Listing((attrs.evolve(node, text=node.text.strip()),), node.origin)


def _pair(key: str, value: Node) -> str | None:
    return f"{key}={value.text or ''}" if isinstance(value, Scalar) else None


def _mending_note(path: Path) -> str:
    if path == ("environment",):
        return '"environment" is a mapping; it is read as a list of KEY=VALUE'
    return f'"{join(path)}" is a single value; it is read as a list with one item'


def _existing(tree: Table, location: Path) -> Path:
    """Return the part of an error's location that is in the tree; one source may stand without a list."""
    node: Any = tree
    path: list[str | int] = []
    for part in location:
        if isinstance(node, Table) and isinstance(part, str) and (entry := node.get(part)):
            node = entry.value
        elif isinstance(node, Listing) and isinstance(part, int):
            node = node.items[part]
        elif isinstance(node, Table) and part == 0:
            continue
        else:
            break
        path.append(part)
    return tuple(path)


def _look_up(tree: Table, path: Path) -> tuple[Node, Origin]:
    """Return a node and where its key stands; the place of a list's item is its own."""
    node: Node = tree
    origin = tree.origin
    for part in path:
        if isinstance(node, Table):
            entry = node.get(str(part))
            assert entry is not None
            node, origin = entry.value, entry.origin
        elif isinstance(node, Listing) and isinstance(part, int):
            node = node.items[part]
            origin = node.origin
    return node, origin


def _replaced(node: Node, path: Path, new: Node | None) -> Node:
    """Return a tree with another value at a path, or without it."""
    first, rest = path[0], path[1:]
    if isinstance(node, Table) and (entry := node.get(str(first))):
        value = _replaced(entry.value, rest, new) if rest else new
        if value is None:
            return node.without(entry.key)
        return node.mapped(lambda each: attrs.evolve(each, value=value) if each is entry else each)
    if isinstance(node, Listing) and isinstance(first, int):
        item = _replaced(node.items[first], rest, new) if rest else new
        inner = () if item is None else (item,)
        return attrs.evolve(node, items=(*node.items[:first], *inner, *node.items[first + 1 :]))
    return node
