"""Looks at a server and all that it has started: who lives, how much memory they hold, what they have open."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_KIB_PER_MIB = 1024


@attrs.frozen
class Load:
    """What a server and its descendants hold at one moment.

    Attributes:
        memory: MiB in RAM of the server alone.
        tree: MiB in RAM of all of them; what they share counts for each.
        descriptors: Open ones of the server.
        processes: How many there are, the server included.
        threads: Of all of them.
    """

    memory: float
    tree: float
    descriptors: int
    processes: int
    threads: int


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not been collected."""
    found: list[int] = []
    try:
        for thread in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (thread / "children").read_text("ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def look(pid: int) -> Load:
    """Measure a server's process and its descendants."""
    pids = family(pid)
    status = {each: _status(each) for each in pids}
    memory = {each: int(fields.get("VmRSS", "0 kB").split()[0]) / _KIB_PER_MIB for each, fields in status.items()}
    return Load(
        memory=memory[pid],
        tree=sum(memory.values()),
        descriptors=len(list((_PROC / str(pid) / "fd").iterdir())),
        processes=len(pids),
        threads=sum(int(fields.get("Threads", 0)) for fields in status.values()),
    )


def _status(pid: int) -> dict[str, str]:
    try:
        lines = (_PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@attrs.define
class Peak:
    """The most that was seen.

    Attributes:
        memory: MiB of the server alone.
        tree: MiB of the server and its descendants.
    """

    memory: float = 0.0
    tree: float = 0.0


@contextmanager
def watched(pid: int, pause: float = 0.05) -> Iterator[Peak]:
    """Look at a server again and again, every so many seconds, and yield the most that was seen."""
    peak, over = Peak(), threading.Event()

    def watch() -> None:
        while True:
            load = look(pid)
            peak.memory = max(peak.memory, load.memory)
            peak.tree = max(peak.tree, load.tree)
            if over.wait(pause):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
