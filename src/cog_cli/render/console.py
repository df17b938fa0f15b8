"""Lines on standard error, with colours where they are wanted and nothing where they are not."""

from __future__ import annotations

import sys
from typing import Final

from cog_cli.session import may_color

_STYLES: Final = {"error": "1;31", "warning": "1;33", "hint": "36", "note": "2", "good": "32", "plain": ""}


def use_color() -> bool:
    """Whether standard error is a terminal that takes colours, and nobody forbade them."""
    return sys.stderr.isatty() and may_color()


def styled(text: str, style: str) -> str:
    """Return the text with terminal codes around it, or as it is."""
    code = _STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code and use_color() else text


def say(text: str = "", style: str = "plain") -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{styled(text, style)}\n")
    sys.stderr.flush()


def warn(text: str, hint: str | None = None) -> None:
    """Print a warning and what to do about it."""
    say(f"{styled('warning:', 'warning')} {text}")
    if hint:
        say(f"  {hint}", "hint")


def size(count: float | None) -> str:
    """Return a number of bytes as people read it, in powers of ten as registries count."""
    if count is None:
        return "?"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError
