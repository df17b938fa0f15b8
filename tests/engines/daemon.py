"""Starts daemons that outlive a test, shared by all test runs on the machine: the last one to leave stops them."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.engines.machine import Broken
from tests.support import orphans

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.machine import Machine

_GRACE = 20.0
_PAUSE = 0.1

# The shell ends at once, so that the daemon belongs to nobody's session but its own.
_LAUNCH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


class Daemon:
    """A daemon that test runs start and stop.

    Nothing happens to a daemon that somebody else started: only what is written in the state file is ours.

    Attributes:
        log: Where it writes.
    """

    def __init__(self, machine: Machine, name: str) -> None:
        folder = machine.folder("daemons")
        self.machine = machine
        self.name = name
        self.log = folder / f"{name}.log"
        self._state = folder / f"{name}.json"
        self._users = folder / f"{name}.users"
        self._using: IO[str] | None = None

    def start(self, argv: tuple[str, ...], *, why_not: Callable[[], str | None], within: float = 60.0) -> None:
        """Start it if nothing answers yet, and wait until it answers; call with the engine's lock held.

        Args:
            argv: Program and arguments.
            why_not: Says why the daemon is not usable; None: it is.
            within: Seconds until it must answer.

        Raises:
            Broken: It ended, or does not answer in time; with the end of its log.
        """
        if why_not() is not None:
            self.machine.tell(f"starting {self.name}")
            self.log.write_text("", encoding="utf-8")
            pid = self._launch(argv)
            self._wait(pid, why_not, within)
        if self._pid() is not None and self._using is None:
            self._using = self._users.open("w")
            fcntl.flock(self._using, fcntl.LOCK_SH)

    def stop(self) -> None:
        """Stop it if a test run started it and no other uses it; call with the engine's lock held."""
        if self._using is None:
            return
        fcntl.flock(self._using, fcntl.LOCK_UN)
        try:
            fcntl.flock(self._using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (pid := self._pid()) is not None:
                terminate(pid)
            self._state.unlink(missing_ok=True)
        except BlockingIOError:
            self.machine.tell(f"{self.name} stays: another test run uses it")
        finally:
            self._using.close()
            self._using = None

    def _launch(self, argv: tuple[str, ...]) -> int:
        with orphans.not_adopting():
            said = subprocess.run(
                ["sh", "-c", _LAUNCH, "sh", self.log, *argv],
                check=True,
                capture_output=True,
                text=True,
                env=dict(self.machine.environ),
                cwd="/",
                start_new_session=True,
            ).stdout
        pid = int(said)
        self._state.write_text(json.dumps({"pid": pid, "began": began(pid), "argv": argv}), encoding="utf-8")
        return pid

    def _wait(self, pid: int, why_not: Callable[[], str | None], within: float) -> None:
        deadline = time.monotonic() + within
        while (reason := why_not()) is not None:
            if began(pid) is None or time.monotonic() > deadline:
                terminate(pid)
                self._state.unlink(missing_ok=True)
                log = self.log.read_text(encoding="utf-8", errors="replace")
                raise Broken(f"{self.name} was started but does not answer: {reason}\nthe end of {self.log}:", log)
            time.sleep(_PAUSE)

    def _pid(self) -> int | None:
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return state["pid"] if began(state["pid"]) == state["began"] is not None else None


def began(pid: int) -> str | None:
    """Return when a process began, as a text that tells it from a later one with its number; None: it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def terminate(pid: int) -> None:
    """End a process: politely first, for good after a while."""
    first = began(pid)
    for number, grace in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
        deadline = time.monotonic() + grace
        if first is None or began(pid) != first:
            return
        os.kill(pid, number)
        while began(pid) == first and time.monotonic() < deadline:
            time.sleep(_PAUSE)
