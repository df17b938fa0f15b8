"""Work that blocks, beside the event loop: in another thread, where it can be interrupted."""

from __future__ import annotations

import asyncio
import ctypes
from contextlib import suppress
from contextvars import copy_context
from threading import Lock, get_ident
from typing import Callable, Generic, TypeVar

from cog.exceptions import CancelationException

T = TypeVar("T")

Begin = Callable[[Callable[[], None]], None]
"""Runs something in another thread."""


class Aside(Generic[T]):
    """One piece of work, which sees a copy of this context.

    Args:
        loop: The loop that waits for it.
        work: What to do.
        begin: Finds the thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[], T], begin: Begin) -> None:
        self._loop = loop
        self._work = work
        self._begin = begin
        self._context = copy_context()
        self._done: asyncio.Future[None] = loop.create_future()
        self._lock = Lock()
        self._runs = True
        self._is_awaited = True
        self._result: T
        self._error: BaseException | None = CancelationException()
        self._thread: int | None = None

    async def wait(self, wanted: Callable[[], bool]) -> T:
        """Do the work, and interrupt it when this is cancelled.

        Args:
            wanted: Whether a client has cancelled it, who is told when it has ended; otherwise nobody waits for it.
        """
        self._begin(self._run)
        while not self._done.done():
            try:
                await asyncio.wait((self._done,))
            except asyncio.CancelledError:
                self._interrupt()
                if not wanted():
                    self._is_awaited = False
                    raise
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            # An exception keeps the frames that it came through, so none of them may keep the exception.
            del error

    def _interrupt(self) -> None:
        """Raise an exception in the thread, once and at its next bytecode; what blocks in C ends first."""
        with self._lock:
            runs, self._runs = self._runs, False
            if runs and self._thread is not None:
                _raise_in(self._thread, CancelationException)

    def _run(self) -> None:
        # The exception comes once and at any place: before the work, in it, or anywhere in what follows.
        with suppress(CancelationException):
            with suppress(CancelationException):
                if self._begins():
                    self._try()
                with self._lock:
                    self._runs = False
            # The thread may stay, and what it does next is somebody else's.
            _raise_in(get_ident(), None)
        # The loop may have ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _begins(self) -> bool:
        """Note in which thread this is, and return whether it is still wanted."""
        with self._lock:
            self._thread = get_ident()
            return self._runs

    def _try(self) -> None:
        try:
            self._result = self._context.run(self._work)
            self._error = None
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            self._error = error

    def _end(self) -> None:
        if not self._is_awaited:
            self._error = None
        if not self._done.done():
            self._done.set_result(None)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread; None takes back one that has not come yet."""
    what = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
