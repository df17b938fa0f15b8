"""The worker's standard streams.

Descriptors 1 and 2 are pipes that the server reads, so C code and subprocesses are heard too, and nothing here
has to run for it. Where predictions run at the same time, a line also has to find its prediction: then
``sys.stdout`` and ``sys.stderr`` look at the context they are used in, from before the model is imported, which may
keep them for its logging.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from threading import RLock
from typing import Any, Callable, TextIO

Say = Callable[[str, str], None]
"""Takes the stream's name and a text."""

_NAMES = ("stdout", "stderr")
_LONGEST = 8192
"""Characters without an end of line that are held back at most, as in a buffered stream."""


class Speaker:
    """Where one prediction prints to: its text is sent in whole lines, as a terminal would show it.

    Args:
        say: Sends a text.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._held = dict.fromkeys(_NAMES, "")
        # Threads may share a context, and a signal handler may print while its thread does.
        self._lock = RLock()

    def write(self, name: str, text: str) -> None:
        """Send the lines that this text completes."""
        with self._lock:
            whole, end, rest = (self._held[name] + text).rpartition("\n")
            if len(rest) > _LONGEST:
                whole, end, rest = whole + end, rest, ""
            self._held[name] = rest
            if end:
                self._say(name, whole + end)

    def flush(self) -> None:
        """Send the lines that have not ended yet."""
        with self._lock:
            for name, text in self._held.items():
                if text:
                    self._held[name] = ""
                    self._say(name, text)


speaker: ContextVar[Speaker | None] = ContextVar("cog_speaker", default=None)
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
        with suppress(Exception):
            stream.flush()
    mine = speaker.get()
    if mine is not None:
        mine.flush()
    if "ctypes" in sys.modules:
        # C's own buffers, which only a model with C code fills.
        with suppress(AttributeError, OSError, ValueError):
            flush_one, streams = _of_c()
            for stream in streams:
                flush_one(stream)


@lru_cache(maxsize=None)
def _of_c() -> tuple[Any, tuple[Any, ...]]:
    """Return C's ``fflush``, during which Python goes on, and C's two streams.

    All streams at once would wait for those that other threads read from, which may be waiting for Python.
    """
    import ctypes  # noqa: PLC0415 - the model has imported it

    library = ctypes.CDLL(None)
    return library.fflush, tuple(ctypes.c_void_p.in_dll(library, name) for name in _NAMES)


def route_by_context() -> None:
    """Let each prediction's prints go to itself; what has no prediction passes through."""
    for name in _NAMES:
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Routed):
            setattr(sys, name, Routed(name, stream))


def route_no_more() -> None:
    """Put back the streams that were there: predictions come one at a time."""
    for name in _NAMES:
        stream = getattr(sys, name)
        if isinstance(stream, Routed):
            setattr(sys, name, stream.inner)


class Routed(io.TextIOBase):
    """A text stream that writes to the prediction of its context, or else to the stream that was there.

    Attributes:
        inner: The stream that was there.
    """

    def __init__(self, name: str, inner: TextIO) -> None:
        self._name = name
        self.inner = inner

    def write(self, text: str) -> int:
        """Write to where this context's prints go."""
        mine = speaker.get()
        if mine is None:
            return self.inner.write(text)
        mine.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Write out what is held back, of this context's prediction and in the stream that was there."""
        mine = speaker.get()
        if mine is not None:
            mine.flush()
        self.inner.flush()

    def fileno(self) -> int:
        """Return the descriptor of the stream that was there."""
        return self.inner.fileno()

    def isatty(self) -> bool:
        """Return False."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def detach(self) -> Any:
        """Take the stream that was there from its buffer, and return the buffer."""
        return self.inner.detach()  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """The stream's usual name."""
        return f"<{self._name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream that was there."""
        return self.inner.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What the stream that was there does with characters that its encoding has not."""
        return self.inner.errors

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        """Always None: nothing is read."""
        return None

    def __getattr__(self, name: str) -> Any:
        """Look for anything else, such as ``buffer`` and ``reconfigure``, in the stream that was there."""
        return getattr(self.inner, name)
