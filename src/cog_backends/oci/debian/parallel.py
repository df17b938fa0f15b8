"""Several things at once, ended together when one of them fails or the user interrupts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")


class Stopped(Exception):
    """Another task failed, so this one ended early."""


def in_parallel(work: Callable[[T, Callable[[], None]], R], items: Sequence[T], *, workers: int) -> tuple[R, ...]:
    """Return what ``work`` makes of each item, in the order of the items.

    Args:
        work: Called with an item, and with a function that it calls now and then, which raises :class:`Stopped`
            when the result is no longer wanted.
        items: What to work on.
        workers: Most items at one time.

    Raises:
        Exception: Whatever ``work`` raised first, in the order of the items.
    """
    stop = threading.Event()

    def go_on() -> None:
        if stop.is_set():
            raise Stopped

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, item, go_on) for item in items]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
