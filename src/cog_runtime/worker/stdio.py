"""The worker's standard streams.

Descriptors 1 and 2 are pipes that the server reads, so C code and subprocesses are heard too, and nothing here
has to run for it. Where predictions run at the same time, a line also has to find its prediction: then
``sys.stdout`` and ``sys.stderr`` look at the context they are used in.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Callable, TextIO

Say = Callable[[str, str], None]
"""Takes the stream's name and a text."""

speaker: ContextVar[Say | None] = ContextVar("cog_speaker", default=None)
"""Where the prediction of this context prints to; None: to the descriptor."""


def use_lines() -> None:
    """Write lines as they end: a pipe would be written in blocks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False, errors="backslashreplace")


def flush() -> None:
    """Write out what the model printed, before its prediction is reported as done."""
    for stream in (sys.stdout, sys.stderr):
        # The model may have closed the stream, or put anything in its place.
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None:
        # C's own buffer, which only a model with C code fills.
        with suppress(AttributeError, OSError):
            ctypes.pythonapi.fflush(None)


def route_by_context() -> None:
    """Let each prediction's prints go to itself."""
    sys.stdout = Routed("stdout", sys.stdout)
    sys.stderr = Routed("stderr", sys.stderr)


class Routed(io.TextIOBase):
    """A text stream that writes to the prediction of its context, or else to the stream that was there."""

    def __init__(self, name: str, inner: TextIO) -> None:
        self._name = name
        self._inner = inner

    def write(self, text: str) -> int:
        """Write to where this context's prints go."""
        say = speaker.get()
        if say is None:
            return self._inner.write(text)
        say(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream that was there; predictions' lines are never held back."""
        self._inner.flush()

    def fileno(self) -> int:
        """Return the descriptor of the stream that was there."""
        return self._inner.fileno()

    def isatty(self) -> bool:
        """Return False."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    @property
    def name(self) -> str:
        """The stream's usual name."""
        return f"<{self._name}>"

    def __getattr__(self, name: str) -> Any:
        """Look for anything else, such as ``buffer`` and ``encoding``, in the stream that was there."""
        return getattr(self._inner, name)
