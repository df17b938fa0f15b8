"""The door to the clock: the only place that asks what time it is."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Return seconds on a clock that only goes forwards; for measuring how long something took."""
    return time.monotonic()


def now() -> float:
    """Return seconds since 1970; for ages and expiry dates, never for anything inside an image."""
    return time.time()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def rfc3339(seconds: int) -> str:
    """Return a moment as the configuration of an image has it (RFC 3339, section 5.6), in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
