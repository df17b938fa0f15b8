"""An SSH agent of one test's own, with one key."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.engines.machine import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator

_READY: Final = 30.0
COMMENT: Final = "the-key-of-a-test"
"""What the agent says about its key."""


@contextlib.contextmanager
def serve() -> Iterator[Path]:
    """Run an agent and yield its socket, whose path is short: longer ones than 107 bytes are refused (unix(7)).

    Raises:
        Broken: It does not start.
    """
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        socket, key = Path(folder, "socket"), Path(folder, "key")
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", COMMENT, "-f", key)
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        with subprocess.Popen(("ssh-agent", "-D", "-a", socket), stdout=subprocess.DEVNULL) as process:
            try:
                _add(socket, key)
                yield socket
            finally:
                process.terminate()


def _add(socket: Path, key: Path) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        if socket.exists():
            argv = ("ssh-add", "-q", key)
            done = subprocess.run(argv, env={"SSH_AUTH_SOCK": str(socket)}, capture_output=True, check=False)
            if done.returncode == 0:
                return
        time.sleep(0.05)
    raise Broken("ssh-agent does not take a key", "")
