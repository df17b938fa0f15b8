"""Installs Debian packages, patiently: another process may hold apt's or dpkg's lock for minutes."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from tests.engines.machine import Broken

if TYPE_CHECKING:
    import subprocess

    from tests.engines.machine import Machine

_PATIENCE = 600.0
_PAUSE = 3.0
_INSTALLING = 900.0
_BUSY = re.compile(r"Could not get lock .*|Unable to (?:acquire|lock) .*")
_STALE = re.compile(r"Unable to locate package|has no installation candidate|404 +Not Found|Hash Sum mismatch")
_INTERRUPTED = "dpkg was interrupted"

# RUNLEVEL=1 keeps invoke-rc.d from starting services (invoke-rc.d(8)): the tests start what they need themselves.
_ENVIRON = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def install(machine: Machine, *packages: str) -> None:
    """Install packages without their recommendations; refresh the package lists only if that is needed.

    What an interrupted installation left half done is finished first.

    Raises:
        Broken: This is not Debian, or we are not root, or apt-get failed; with the end of its output.
    """
    if not machine.is_debian_root:
        raise Broken(f"{', '.join(packages)} can be installed by the tests only as root on Debian")
    machine.tell(f"apt-get install {' '.join(packages)}")
    argv = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    done = _patiently(machine, argv)
    if done.returncode and _INTERRUPTED in done.stderr:
        _check(_patiently(machine, ("dpkg", "--configure", "-a")))
        done = _patiently(machine, argv)
    if done.returncode and _STALE.search(done.stderr):
        refresh(machine)
        done = _patiently(machine, argv)
    _check(done)


def refresh(machine: Machine) -> None:
    """Fetch the package lists anew.

    Raises:
        Broken: It failed.
    """
    machine.tell("apt-get update")
    _check(_patiently(machine, ("apt-get", "update")))


def knows(machine: Machine, package: str) -> bool:
    """Return whether the package lists have a package of that name that can be installed."""
    said = machine.attempt(("apt-cache", "policy", package), environ=_ENVIRON).stdout
    return "Candidate:" in said and "Candidate: (none)" not in said


def holder(said: str) -> str | None:
    """Return apt's line about a lock that somebody else holds; None: it was not about a lock."""
    found = _BUSY.search(said)
    return found.group() if found else None


def _patiently(machine: Machine, argv: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    deadline = time.monotonic() + _PATIENCE
    told = ""
    while True:
        done = machine.attempt(argv, timeout=_INSTALLING, environ=_ENVIRON)
        busy = holder(done.stderr) if done.returncode else None
        if busy is None or time.monotonic() > deadline:
            return done
        if busy != told:
            machine.tell(f"waiting for apt (up to {_PATIENCE / 60:.0f} minutes): {busy}")
            told = busy
        time.sleep(_PAUSE)


def _check(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise Broken(f"{' '.join(done.args)} ended with status {done.returncode}", done.stdout + done.stderr)
