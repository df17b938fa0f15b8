"""What the event loop waits with."""

from __future__ import annotations

import selectors
from typing import List, Tuple

from cog_runtime.waiting import ShortWaits

_Events = List[Tuple[selectors.SelectorKey, int]]

_CLIENT_AND_WORKER = 2
"""The server waits for them in turn."""


class Selector(selectors.DefaultSelector):
    """The platform's own, which stays awake for waits that are expected to be short."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = ShortWaits(_CLIENT_AND_WORKER)
        self._select = super().select

    def select(self, timeout: float | None = None) -> _Events:
        """Return what is ready; wait for it for at most ``timeout`` seconds, None for any time."""
        if timeout is None:
            return self._waits.wait(self._look, lambda _: self._select(None))
        if timeout <= 0:
            return self._select(timeout)
        return self._waits.wait(self._look, lambda awake: self._select(max(0, timeout - awake)), timeout)

    def _look(self) -> _Events | None:
        return self._select(0) or None
