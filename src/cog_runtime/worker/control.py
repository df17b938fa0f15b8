"""The second socket: what must reach the worker while it is busy. One thread sleeps on it."""

from __future__ import annotations

import os
import signal
from threading import Thread
from typing import TYPE_CHECKING, Any, Callable

from cog_runtime.wire import Frame
from cog_runtime.worker.calls import describe

if TYPE_CHECKING:
    from cog_runtime.worker.channel import Channel


class Control:
    """Listens to the server beside the calls.

    Args:
        channel: The control socket.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.cancel: Callable[[int], None] = lambda _: None
        self.healthcheck: Callable[[], Any] | None = None
        self._checking = False

    def start(self) -> None:
        """Listen in a thread of its own until the process ends."""
        Thread(target=self._listen, name="cog-control", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                frame = self._channel.receive()
            except OSError:
                frame = None
            if frame is None:
                _end()
                return
            if frame.header["type"] == "cancel":
                self.cancel(frame.header["call"])
            elif frame.header["type"] == "healthcheck":
                self._begin_check(frame.header["number"])

    def _begin_check(self, number: int) -> None:
        if self._checking:
            # It may never return, and its thread with it: one of them is enough.
            self._report(number, "Healthcheck failed: an earlier user-defined healthcheck has not returned yet")
            return
        self._checking = True
        Thread(target=self._check, args=(number,), name="cog-health", daemon=True).start()

    def _check(self, number: int) -> None:
        error = None
        try:
            if self.healthcheck is not None and self.healthcheck() is False:
                error = "Healthcheck failed: user-defined healthcheck returned False"
        except BaseException as problem:  # noqa: BLE001 - the model's code ends here, whatever it raises
            error = f"Healthcheck failed: {describe(problem)}"
        # First: the server may ask for the next one as soon as it has this answer.
        self._checking = False
        self._report(number, error)

    def _report(self, number: int, error: str | None) -> None:
        self._channel.send(Frame({"type": "health", "number": number, "error": error}))


def _end() -> None:
    """End this process and what it started: the server is gone, and nobody waits for an answer."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
