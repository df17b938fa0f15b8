"""The door to the clock for this package: the only place here that asks what time it is, or waits."""

from __future__ import annotations

import time


def now() -> float:
    """Return seconds since 1970; for the age of blobs, never for anything inside an image."""
    return time.time()


def monotonic() -> float:
    """Return seconds on a clock that only goes forwards; for the age of tokens."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
