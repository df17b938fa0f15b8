"""Input files that nobody removed, because their worker was killed: the server removes them.

The worker keeps the files of each call in a folder that it locks (its ``temporary.py``). A folder without a lock
belongs to nobody any more, whether its worker was ours or that of a server before us.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from typing import Mapping

_NAME = "cog-inputs-"
_PAUSE = 0.1
"""Seconds after a worker's death: what it had started may take a moment to end too, and holds its locks so long."""


def prefix_in(environ: Mapping[str, str]) -> str | None:
    """Return how the paths of all folders begin; None where the usual folder cannot be written to.

    Unlike :func:`tempfile.gettempdir` this asks for permission only: a disk that is full now may have room later.
    """
    names = ("TMPDIR", "TEMP", "TMP")
    folder = next((environ[name] for name in names if environ.get(name)), "/tmp")  # noqa: S108 - folders are 0700
    usable = os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)  # noqa: PTH112 - strings, as in the worker
    return os.path.join(os.path.abspath(folder), _NAME) if usable else None  # noqa: PTH100, PTH118


class Leftovers:
    """Removes what dead workers have left.

    Args:
        environ: Says which folder is meant for temporary files.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._prefix = prefix_in(environ)
        self._timer: asyncio.TimerHandle | None = None

    def sweep_soon(self) -> None:
        """Look for them in a moment, in a thread: many and large files take their time."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(_PAUSE, loop.run_in_executor, None, self.sweep)

    def sweep(self) -> None:
        """Remove all folders whose worker is gone."""
        if self._prefix is None:
            return
        folder, name = os.path.split(self._prefix)
        try:
            found = [each for each in os.listdir(folder) if each.startswith(name)]  # noqa: PTH208
        except OSError:
            return
        for each in found:
            _remove(os.path.join(folder, each))  # noqa: PTH118


def _remove(path: str) -> None:
    """Remove a folder if it is one, is ours, and nobody has locked it; others have names like it in ``/tmp``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        pass
    finally:
        os.close(descriptor)
