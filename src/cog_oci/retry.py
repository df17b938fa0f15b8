"""Asking again, later each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from cog_oci import clock
from cog_oci.errors import RegistryFailure
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Retry(Frozen):
    """How often and how long.

    Attributes:
        attempts: How often a request is sent at most.
        first: Seconds before the second time; each later wait is twice as long as the one before.
        longest: Longest wait in seconds, also where a registry asks for more.
        sleep: Waits.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    sleep: Callable[[float], object] = clock.sleep

    def wait(self, attempt: int, failure: RegistryFailure) -> None:
        """Wait after a failed attempt, counted from 1; as long as the registry asked for, if it did."""
        asked = failure.retry_after
        pause = self.first * 2 ** (attempt - 1) if asked is None else asked
        self.sleep(min(max(pause, 0.0), self.longest))

    def run(self, action: Callable[[], T]) -> T:
        """Return an action's result; an action that fails for reasons that may pass is tried again.

        Raises:
            RegistryFailure: The last attempt's.
        """
        attempt = 1
        while True:
            try:
                return action()
            except RegistryFailure as failure:
                if not failure.retryable or attempt >= self.attempts:
                    raise
                self.wait(attempt, failure)
            attempt += 1
