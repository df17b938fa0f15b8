"""Threads that stay, for calls of a model that blocks: what a library keeps for a thread is used again."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import Callable


class Threads:
    """A fixed number of threads that run what they are given, first come, first served.

    Args:
        number: How many; they are started when the first work comes.
    """

    def __init__(self, number: int) -> None:
        self._missing = number
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def begin(self, work: Callable[[], None]) -> None:
        """Run this in one of them, as soon as one is free; call from one thread only."""
        self._work.put(work)
        if self._missing:
            self._missing -= 1
            # The process does not wait for them: what they do may have no end.
            Thread(target=self._run, name=f"cog-call-{self._missing}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._work.get()()


def in_a_new_thread(work: Callable[[], None]) -> None:
    """Run this in a thread of its own."""
    Thread(target=work, name="cog-aside", daemon=True).start()
