"""How messages put what is counted."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 layer``, ``2 layers``.

    Args:
        number: How many there are.
        thing: What one of them is called; the plural of it is made with an s.
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
