"""Columns of text for standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Return rows with their columns lined up, two blanks apart; the last column is never padded."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append(indent + "  ".join((*cells, row[-1])))
    return "\n".join(line.rstrip() for line in lines)


def section(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a title and a table under it, or nothing when there are no rows."""
    return f"{title}\n{table(rows)}\n" if rows else ""


def shortened(text: str, length: int = 100) -> str:
    """Return the first line of a text, cut to a length."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
