"""Work that blocks, beside the event loop: in a thread of its own, which can be interrupted."""

from __future__ import annotations

import asyncio
import ctypes
from contextlib import suppress
from contextvars import copy_context
from threading import Lock, Thread
from typing import Callable, Generic, TypeVar

from cog.exceptions import CancelationException

T = TypeVar("T")


class Aside(Generic[T]):
    """One piece of work, which sees a copy of this context.

    Args:
        loop: The loop that waits for it.
        work: What to do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[], T]) -> None:
        self._loop = loop
        self._work = work
        self._context = copy_context()
        self._done: asyncio.Future[None] = loop.create_future()
        self._lock = Lock()
        self._runs = True
        self._result: T
        self._error: BaseException | None = CancelationException()
        # The process does not wait for it: what it does may have no end.
        self._thread = Thread(target=self._run, name="cog-aside", daemon=True)

    async def wait(self, wanted: Callable[[], bool]) -> T:
        """Do the work, and interrupt it when this is cancelled.

        Args:
            wanted: Whether a client has cancelled it, who is told when it has ended; otherwise nobody waits for it.
        """
        self._thread.start()
        while not self._done.done():
            try:
                await asyncio.wait((self._done,))
            except asyncio.CancelledError:
                self._interrupt()
                if not wanted():
                    raise
        if self._error is not None:
            raise self._error
        return self._result

    def _interrupt(self) -> None:
        """Raise an exception in the thread, once and at its next bytecode; what blocks in C ends first."""
        with self._lock:
            runs, self._runs = self._runs, False
            if runs:
                _raise_in(self._thread, CancelationException)

    def _run(self) -> None:
        # The exception may come late, anywhere in what follows the work.
        with suppress(CancelationException):
            self._try()
            with self._lock:
                self._runs = False
            _raise_in(self._thread, None)
        # The loop may have ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _try(self) -> None:
        try:
            self._result = self._context.run(self._work)
            self._error = None
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            self._error = error

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _raise_in(thread: Thread, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread; None takes back one that has not come yet."""
    what = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), what)
