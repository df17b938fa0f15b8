"""What the worker prints, read from the ends of its pipes."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    import asyncio

_AT_ONCE = 1 << 16
_MOST_READS = 64


class Pipes:
    """Reads the worker's standard output and error.

    Args:
        stdout: Descriptor of the one.
        stderr: Descriptor of the other.
        on_text: Called with the stream's name and the bytes.
    """

    def __init__(self, stdout: int, stderr: int, on_text: Callable[[str, bytes], None]) -> None:
        self._names = {stdout: "stdout", stderr: "stderr"}
        self._on_text = on_text
        self._poll = select.poll()
        self._loop: asyncio.AbstractEventLoop | None = None
        for descriptor in self._names:
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read whenever something comes."""
        self._loop = loop
        for descriptor in self._names:
            loop.add_reader(descriptor, self._read, descriptor)

    def drain(self) -> None:
        """Read what is there now: what was printed before an answer belongs before it."""
        for _ in range(_MOST_READS):
            ready = self._poll.poll(0)
            if not ready:
                return
            for descriptor, _ in ready:
                self._read(descriptor)

    def close(self) -> None:
        """Read the rest and stop."""
        self.drain()
        for descriptor in tuple(self._names):
            self._forget(descriptor)

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_text(self._names[descriptor], data)
        else:
            self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        if self._names.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)
            if self._loop is not None:
                self._loop.remove_reader(descriptor)
            os.close(descriptor)
