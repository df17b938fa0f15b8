"""Noticing that a client has gone away while its prediction runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from starlette.types import Receive

    from cog_runtime.server.prediction import Prediction

_PATIENCE = 0.05
"""Seconds before a connection is watched: most predictions are over by then, and watching costs 10 us."""


class Watch:
    """One connection, not watched at first.

    Attributes:
        gone: The client went away.
    """

    def __init__(self, prediction: Prediction, receive: Receive) -> None:
        self.gone = False
        self._prediction = prediction
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    def begin(self, cancel: Callable[[Prediction], None]) -> None:
        """Watch from here on."""
        self._task = asyncio.ensure_future(self._wait(cancel))

    def end(self) -> None:
        """Stop watching."""
        # A cancelled task keeps its frame, and so this object: a circle with the request's body in it.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _wait(self, cancel: Callable[[Prediction], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if not self._prediction.is_over:
            cancel(self._prediction)


class Watches:
    """All connections that wait for an answer; one timer serves them all.

    Args:
        cancel: Called with the prediction of a client that has gone.
    """

    def __init__(self, cancel: Callable[[Prediction], None]) -> None:
        self._cancel = cancel
        self._new: set[Watch] = set()
        self._older: set[Watch] = set()
        self._armed = False

    def add(self, prediction: Prediction, receive: Receive) -> Watch:
        """Watch this connection if it has to wait for long."""
        watch = Watch(prediction, receive)
        self._new.add(watch)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(_PATIENCE, self._tick)
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget the connection: there is an answer."""
        self._new.discard(watch)
        self._older.discard(watch)
        watch.end()

    def _tick(self) -> None:
        for watch in self._older:
            watch.begin(self._cancel)
        self._older, self._new = self._new, set()
        self._armed = bool(self._older)
        if self._armed:
            asyncio.get_running_loop().call_later(_PATIENCE, self._tick)
