"""Debian's control format: paragraphs of ``Field: value`` lines (deb822(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Stanza: TypeAlias = "dict[str, str]"
"""Values by field name; the lines of a value are joined by ``\\n`` and keep their indentation."""


def read_stanzas(lines: Iterable[str]) -> Iterator[Stanza]:
    """Yield the paragraphs of a text, one dictionary each; comments and lines of no known form are left out."""
    stanza: Stanza = {}
    field = ""
    for raw in lines:
        line = raw.rstrip("\n")
        if not line.strip():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line.startswith("#"):
            continue
        elif line[0] in " \t":
            if field:
                stanza[field] += "\n" + line
        else:
            field, colon, value = line.partition(":")
            if colon:
                stanza[field] = value.strip()
    if stanza:
        yield stanza


def read_stanza(text: str) -> Stanza:
    """Return the first paragraph of a text; empty when there is none."""
    return next(read_stanzas(text.splitlines()), {})


def write_stanza(stanza: Mapping[str, str]) -> str:
    """Return a paragraph as text, with the empty line that ends it."""
    return "".join(f"{field}:{_separated(value)}\n" for field, value in stanza.items()) + "\n"


def _separated(value: str) -> str:
    return value if not value or value.startswith("\n") else f" {value}"
