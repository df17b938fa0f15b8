"""Several transfers at once, with one count of bytes and one way to stop."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    OnProgress: TypeAlias = Callable[[int, int], None]

T = TypeVar("T")

AT_ONCE = 4
"""Transfers that run at the same time, like other tools: more brings registries to refuse."""


class Stopped(Exception):
    """This transfer ends because another one failed, or the user interrupted."""


def ignore(done: int, total: int) -> None:
    """Take no interest in progress."""
    del done, total


class Progress:
    """Adds up what the transfers report; each has a key, and may begin anew."""

    def __init__(self, report: OnProgress) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def expect(self, key: str, total: int) -> None:
        """Say how many bytes a transfer has."""
        self._change(self._total, key, total)

    def reached(self, key: str, done: int) -> None:
        """Say how many bytes of a transfer are done."""
        self._change(self._done, key, done)

    def finished(self, key: str) -> None:
        """Say that a transfer is done, or was not needed."""
        self._change(self._done, key, self._total.get(key, 0))

    def _change(self, counts: dict[str, int], key: str, value: int) -> None:
        # The caller is told one thing after the other, never two at once.
        with self._lock:
            counts[key] = value
            self._report(sum(self._done.values()), sum(self._total.values()))


class Stop:
    """Tells running transfers to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask all transfers to end."""
        self._event.set()

    def check(self) -> None:
        """Return if nobody asked.

        Raises:
            Stopped: Somebody did.
        """
        if self._event.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until somebody asks.

        Raises:
            Stopped: Somebody did.
        """
        self._event.wait(seconds)
        self.check()


def in_parallel(jobs: Sequence[Callable[[Stop], T]], *, at_once: int = AT_ONCE) -> list[T]:
    """Run jobs and return their results in their order.

    When one fails, or the caller is interrupted, the others are asked to stop and the first failure goes on upwards.
    """
    stop = Stop()
    with ThreadPoolExecutor(at_once, "transfer") as pool:
        futures = [pool.submit(job, stop) for job in jobs]
        try:
            done = wait(futures, return_when=FIRST_EXCEPTION).done
            results = {future: future.result() for future in done}
            return [results[future] for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
