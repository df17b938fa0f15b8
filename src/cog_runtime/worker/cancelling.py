"""Cancelling a call that runs in the main thread: an exception out of a signal handler.

A signal also ends what blocks in C, such as ``time.sleep``, which an exception put into a thread does not.
"""

from __future__ import annotations

import signal
from threading import current_thread, main_thread
from typing import Callable, TypeVar

from cog.exceptions import CancelationException

_SIGNAL = signal.SIGUSR1

T = TypeVar("T")


class Canceller:
    """Knows which call runs in the main thread, and interrupts it on request from another thread."""

    def __init__(self) -> None:
        self._running: int | None = None
        self._wanted: int | None = None
        self._shielded = False
        self._due = False

    def install(self) -> None:
        """Take the signal; call from the main thread."""
        signal.signal(_SIGNAL, self._on_signal)

    def cancel(self, call: int) -> None:
        """Interrupt this call if it runs, or as soon as it begins; call from any other thread."""
        self._wanted = call
        ident = main_thread().ident
        if self._running == call and ident is not None:
            if signal.getsignal(_SIGNAL) == self._on_signal:
                signal.pthread_kill(ident, _SIGNAL)
            else:
                _raise_in(ident)

    def run(self, call: int, work: Callable[[], T]) -> T:
        """Do the work of this call, which may be interrupted until it returns.

        Raises:
            CancelationException: It was interrupted, or had been before it began.
        """
        self._due = False
        try:
            self._running = call
            if self._wanted == call:
                raise CancelationException
            return work()
        finally:
            self._running = None

    def shielded(self, act: Callable[[], None]) -> None:
        """Do something that must not be interrupted: half a frame must not stay in the socket."""
        if current_thread() is not main_thread():
            act()
            return
        self._shielded = True
        try:
            act()
        finally:
            self._shielded = False
        if self._due and self._running is not None:
            self._running = None
            raise CancelationException

    def _on_signal(self, number: int, frame: object) -> None:
        del number, frame
        if self._running is None or self._running != self._wanted:
            return
        if self._shielded:
            self._due = True
            return
        # Once is enough: a second signal must not hit the code that deals with the first.
        self._running = None
        raise CancelationException


def _raise_in(ident: int) -> None:
    """Interrupt a thread at its next bytecode: the model has taken the signal for itself."""
    import ctypes  # noqa: PLC0415 - hardly ever needed

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(CancelationException))
