"""Finds processes that a test left behind, those included whose parent has ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_PATIENCE = 2.0
_PAUSE = 0.02

# The interpreter's own helpers live as long as it does.
_OURS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


@attrs.frozen
class Process:
    """A running child of ours.

    Attributes:
        pid: Its number.
        command: Its command line; a name in brackets when it has none.
    """

    pid: int
    command: str


def adopt(*, on: bool) -> None:
    """Become the parent of descendants whose own parent ends (Linux, prctl(2)); nothing on other systems."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


@contextlib.contextmanager
def not_adopting() -> Iterator[None]:
    """Let a daemon that is started meanwhile go to the system's first process, as it would outside of tests."""
    adopt(on=False)
    try:
        yield
    finally:
        adopt(on=True)


def any_children() -> bool:
    """Return whether we have children at all, ended ones included: one system call, for the usual case."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def children() -> frozenset[Process]:
    """Return the running children of this process (Linux; elsewhere none are found)."""
    if not any_children():
        return frozenset()
    us = os.getpid()
    found = (_child(int(folder.name), us) for folder in Path("/proc").glob("[0-9]*"))
    return frozenset(process for process in found if process is not None)


def end_those_left(before: frozenset[Process]) -> frozenset[Process]:
    """End children that were not there before and do not end by themselves within two seconds.

    Returns:
        Those that had to be ended; what they had started in their turn is ended too, and not listed.
    """
    known = {process.pid for process in before}
    left = _wait_for_end(known)
    more = left
    while more:
        _kill(more)
        more = {process for process in children() if process.pid not in known}
    return frozenset(left)


def _wait_for_end(known: set[int]) -> set[Process]:
    deadline = time.monotonic() + _PATIENCE
    while left := {process for process in children() if process.pid not in known}:
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSE)
    return left


def _kill(processes: set[Process]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)


def _child(pid: int, parent: int) -> Process | None:
    folder = Path("/proc", str(pid))
    try:
        name, _, rest = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
        state, of = rest.split()[:2]
        if int(of) != parent:
            return None
        if state == "Z":
            os.waitpid(pid, os.WNOHANG)
            return None
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError, ChildProcessError):
        return None
    if any(helper in command for helper in _OURS):
        return None
    return Process(pid, command or f"[{name.partition('(')[2]}]")
