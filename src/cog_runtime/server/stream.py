"""The events of one prediction, kept for readers of server-sent events."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from cog_runtime.server.codec import dumps

if TYPE_CHECKING:
    from cog_runtime.server.prediction import Prediction

_LIVE = 1024
"""Events kept for readers that are already there, whatever is kept for late ones."""

MOST_READERS = 1024


class Stream:
    """Records events, and hands them to any number of readers.

    Args:
        history: Events that a late reader can still get; 0 shows it only what comes.

    Attributes:
        readers: How many there are.
        needs_readers: The prediction was asked for by one of them, and ends with the last.
    """

    def __init__(self, history: int) -> None:
        self._history = history
        self._events: deque[bytes] = deque(maxlen=max(history, _LIVE))
        self._total = 0
        self._index = 0
        self._ended = False
        self._changed: asyncio.Future[None] | None = None
        self.readers = 0
        self.needs_readers = False

    def started(self, prediction: Prediction) -> None:
        """Record that it began."""
        self._add("start", b'{"id":' + dumps(prediction.id) + b',"status":"processing"}')

    def logged(self, prediction: Prediction, source: str, text: str) -> None:
        """Record what it printed."""
        del prediction
        self._add("log", dumps({"data": text, "source": source}))

    def output(self, prediction: Prediction, chunk: bytes) -> None:
        """Record an output."""
        del prediction
        self._add("output", b'{"chunk":' + chunk + b',"index":%d}' % self._index)
        self._index += 1

    def metric(self, prediction: Prediction, name: str, mode: str, value: Any) -> None:
        """Record a metric."""
        del prediction
        self._add("metric", dumps({"mode": mode, "name": name, "value": value}))

    def completed(self, prediction: Prediction) -> None:
        """Record the end."""
        self._ended = True
        self._add("completed", prediction.snapshot())

    def subscribe(self, *, first: bool) -> Reader:
        """Return a reader.

        Args:
            first: It has asked for the prediction, and sees everything.
        """
        if first or self._history:
            position, dropped = 0, 0 if first else max(0, self._total - self._history)
        else:
            position, dropped = self._total, 0
        return Reader(self, position, dropped)

    def since(self, position: int) -> tuple[list[bytes], int]:
        """Return the events from this position on, and how many of them are gone."""
        missed = max(0, self._total - len(self._events) - position)
        skipped = max(0, position - (self._total - len(self._events)))
        return list(self._events)[skipped:], missed

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    async def change(self, timeout: float) -> bool:
        """Wait for more; return False when nothing came in time."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait((self._changed,), timeout=timeout)
        return bool(done)

    def _add(self, name: str, data: bytes) -> None:
        self._events.append(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n")
        self._total += 1
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None


class Reader:
    """One reader's place in a stream."""

    def __init__(self, stream: Stream, position: int, dropped: int) -> None:
        self._stream = stream
        self._position = position
        self._dropped = dropped

    async def read(self, timeout: float) -> tuple[bytes, bool]:
        """Return all events that came since the last call, and whether there will be more.

        Args:
            timeout: Seconds to wait for one; after that the bytes are empty.
        """
        if self._dropped:
            return _error("SSE stream replay truncated; events were dropped", self._dropped), False
        events, missed = self._stream.since(self._position)
        if not events and not self._stream.ended:
            await self._stream.change(timeout)
            events, missed = self._stream.since(self._position)
        if missed:
            return _error("SSE stream lagged; events were dropped", missed), False
        self._position += len(events)
        return b"".join(events), not self._stream.ended


def _error(message: str, skipped: int) -> bytes:
    return b"event: error\ndata: " + dumps({"error": message, "skipped": skipped}) + b"\n\n"
