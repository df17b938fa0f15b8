"""Folders for the files that calls get as inputs.

A folder is locked (flock(2)) from its birth until the call is over. The lock ends with the process, however that
ends, so whoever finds a folder of ours that is not locked may remove it: the server does.
"""

from __future__ import annotations

import os
from contextlib import suppress

_prefix = ""


def use(prefix: str) -> None:
    """Begin the paths of all folders with this, as the server says."""
    global _prefix  # noqa: PLW0603 - there is one temporary folder, as there is in tempfile
    _prefix = prefix


class Folder:
    """The folder of one call; it exists from the first file on."""

    def __init__(self) -> None:
        self._path = ""
        self._lock: int | None = None
        self._is_over = False

    def path(self) -> str:
        """Return the folder, which is made now if it has not been.

        Raises:
            OSError: It cannot be made, or has been removed already.
        """
        if self._is_over:
            raise FileNotFoundError("the call that the file is for is over")
        while self._lock is None:
            # The path is known before the folder exists: a call may be interrupted anywhere.
            path = self._path = f"{_prefix or _usual()}{os.getpid()}-{os.urandom(6).hex()}"
            os.mkdir(path, 0o700)  # noqa: PTH102 - pathlib is a tenth of a small worker's start
            self._lock = _lock(path)
        return self._path

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        self._is_over = True
        path, lock, self._lock = self._path, self._lock, None
        if path:
            from shutil import rmtree  # noqa: PLC0415 - for models with files only

            rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _usual() -> str:
    from tempfile import gettempdir  # noqa: PLC0415 - for models with files only

    return os.path.join(gettempdir(), "cog-inputs-")  # noqa: PTH118


def _lock(path: str) -> int | None:
    """Lock a folder and return the descriptor that does; None when somebody has found and removed it just before."""
    from fcntl import LOCK_EX, LOCK_NB, flock  # noqa: PLC0415 - for models with files only

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        return descriptor  # a file system without locks: nobody else can have one either
    with suppress(FileNotFoundError):
        os.stat(path)  # noqa: PTH116
        return descriptor
    os.close(descriptor)
    return None
