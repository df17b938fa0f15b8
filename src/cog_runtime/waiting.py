"""Waits that are expected to be short are spent awake.

A core that falls asleep and is woken costs more than a small prediction, on virtual machines several times more, and
one request wakes four processes. Staying awake for that long takes less processor time than sleeping does.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Callable, TypeVar

_T = TypeVar("_T")

_AWAKE = 0.0003
"""Seconds. What server, client and worker do between two waits of one of them, and about what a sleep costs."""
_SHORT = 0.002
"""Seconds. Waking is part of a wait that was slept through, so this is more than what is spent awake."""
_MOST_NEEDED = 1024


class ShortWaits:
    """Learns from the last waits whether the next one is worth staying awake for.

    Where that was in vain it is tried again only after twice as many short waits, so that a load which never fits
    costs next to nothing.

    Args:
        needed: How many short waits in a row let the next one be expected short. Who waits in turn for two others, of
            which one is quick and the other is not, needs two.
        clock: Seconds.
    """

    def __init__(self, needed: int, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._least = self._needed = needed
        self._short = 0

    def wait(self, look: Callable[[], _T | None], sleep: Callable[[float], _T], most: float = _AWAKE) -> _T:
        """Return what is there, or comes.

        Args:
            look: Returns it at once; None when nothing is there.
            sleep: Returns it when it comes; gets the seconds that were spent awake.
            most: Seconds after which the wait ends anyway.
        """
        began = self._clock()
        if self._short >= self._needed:
            found = self._look_on(look, began + min(most, _AWAKE))
            if found is not None:
                self._needed = self._least
                return found
            self._needed = min(2 * self._needed, _MOST_NEEDED)
            self._short = 0
            return sleep(self._clock() - began)
        came = sleep(0.0)
        self._short = self._short + 1 if self._clock() - began < _SHORT else 0
        return came

    def _look_on(self, look: Callable[[], _T | None], end: float) -> _T | None:
        while True:
            found = look()
            if found is not None or self._clock() >= end:
                return found
            # Whoever else has something to do on this core does it now.
            os.sched_yield()
