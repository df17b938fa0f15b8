"""What to tell somebody whose file is not YAML: where it went wrong, and what most likely happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from cog_core.errors import Origin, Problem

if TYPE_CHECKING:
    import yaml

    from cog_core.config.nodes import Node

_EXAMPLE = "The file starts with a key, such as build: on a line of its own."
_PROSE = "Put # in front of text that is no setting."
_HINTS = (
    (r"found character '\\t'", "YAML allows no tabs in front of a line; use spaces."),
    (r"found character '[%@`]'", "Put the value in quotes: YAML gives a meaning to its first character."),
    (r"mapping values are not allowed", 'Put quotes around a value that contains ": ", or correct the indentation.'),
    (r"could not find expected ':'", "Write a colon and a blank after the key, or put # in front of a remark."),
    (r"unexpected end of stream|while scanning a quoted", "A quote is opened and never closed."),
    (r"expected <block end>", "Indent the lines of one list or mapping equally."),
    (r"expected ',' or '[\]}]'", "A bracket is opened and never closed."),
    (r"found undefined alias|expected alphabetic or numeric", "Put a value that starts with * or & in quotes."),
    (r"expected a single document", "Keep one document: remove the line --- and what follows it."),
    (r"found duplicate anchor", "Give every anchor a name of its own."),
    (r"escape", "Use single quotes around a value with backslashes."),
    (r"nested more than", "A configuration needs few levels; correct the indentation or the brackets."),
)


def parse_error(fact: str, origin: Origin, *, hint: str | None = None) -> Problem:
    """Return the problem of a text that is no YAML, in upstream's words (reference, section 1.2)."""
    return Problem(message=f"failed to parse {origin.file}: invalid YAML: {fact}", origin=origin, hint=hint)


def no_yaml(text: str, error: yaml.MarkedYAMLError, file: str) -> Problem:
    """Explain a syntax error of the YAML parser."""
    if prose := _prose_in_front(text):
        return parse_error("text stands before the first key", attrs.evolve(prose, file=file), hint=_PROSE)
    fact = _fact(error)
    mark = error.problem_mark or error.context_mark
    origin = Origin(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Origin(file=file)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, f"{error.context} {fact}")), None)
    return parse_error(fact, origin, hint=hint)


def no_mapping(text: str, tree: Node, file: str) -> Problem:
    """Explain a document that is a list or a single value."""
    origin = attrs.evolve(_prose_in_front(text) or tree.origin, file=file)
    return Problem(message=f"failed to parse {file}: must be a mapping", origin=origin, hint=_EXAMPLE)


def _fact(error: yaml.MarkedYAMLError) -> str:
    problem = (error.problem or "unreadable").strip()
    if error.context and error.context_mark and error.context_mark is not error.problem_mark:
        return f"{problem} ({error.context} from line {error.context_mark.line + 1})"
    return problem


def _prose_in_front(text: str) -> Origin | None:
    """Return the place of the first line with content if it can be neither key, list nor YAML syntax."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#") or content == "---":
            continue
        if re.match(r"[-{\[%?!&*\"'|>`@]", content) or ":" in content:
            return None
        return Origin(file="", line=number, column=len(line) - len(line.lstrip()) + 1)
    return None
