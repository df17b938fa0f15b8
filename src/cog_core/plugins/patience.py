"""Tells who is waited for: a plugin's import can take for ever, and cannot be ended from outside.

A thread cannot be stopped, and an alarm reaches only the main thread of a program that may use alarms itself. So the
import is left alone, and the user hears which plugin it is, how to stop waiting and how to do without it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cog_core.events import Warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.events import Emit

PATIENCE: Final = 5.0
"""Seconds; a large library from a cold disk takes about as long."""


@contextmanager
def told_when_slow(name: str, distribution: str, limit: float, emit: Emit) -> Iterator[None]:
    """Warn of a plugin, once, when what is done here takes too long.

    Args:
        name: Of the plugin's entry point.
        distribution: Name and version of what brought it.
        limit: Seconds, if that is less than ``PATIENCE``.
        emit: Gets the warning, from another thread.
    """
    seconds = min(PATIENCE, limit)
    warning = Warned(
        message=f"the plugin {name} of {distribution} is still being loaded after {seconds:g} s",
        hint=f"Wait, or press Ctrl-C and switch it off: COG_DISABLE_PLUGINS={name}",
    )
    timer = threading.Timer(seconds, emit, [warning])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
