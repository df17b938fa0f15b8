"""Which processes a process has started, and those in turn, as Linux tells (proc(5), ``/proc/PID/stat``)."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROC: Final = Path("/proc")


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below one, each with the time when it began; nothing where there is no ``/proc``.

    A container's first process is in no group of its builder's, and is found here all the same.
    """
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in _PROC.glob("[0-9]*"):
        if facts := _facts(int(entry.name)):
            children.setdefault(facts[0], []).append((int(entry.name), facts[1]))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child, began in children.get(waiting.pop(), ()):
            found[child] = began
            waiting.append(child)
    return found


def end(family: Mapping[int, str]) -> None:
    """End those that are still there; another process that got a number of theirs is not touched."""
    for pid, began in family.items():
        facts = _facts(pid)
        if facts and facts[1] == began:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _facts(pid: int) -> tuple[int, str] | None:
    """Return a process's parent, and when it began."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[19]
