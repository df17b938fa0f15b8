"""Starting the worker's process. The server does this first, before it imports anything heavy."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack, suppress
from typing import Mapping, NamedTuple, Sequence

_BUFFER = 2 << 20


class Process(NamedTuple):
    """A worker that was started, and our ends of what leads to it.

    Attributes:
        pid: Its process id, which is also the id of its process group.
        data: Socket for calls and their answers.
        control: Socket for what must not wait behind a call.
        stdout: Descriptor to read what it prints.
        stderr: Descriptor to read its error output.
    """

    pid: int
    data: socket.socket
    control: socket.socket
    stdout: int
    stderr: int

    def kill(self) -> None:
        """End it and all that it started; the group may outlive its leader."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def spawn(command: Sequence[str], environ: Mapping[str, str]) -> Process:
    """Start a worker in a process group of its own.

    Args:
        command: Program and arguments; the numbers of its two sockets are added.
        environ: Its environment.

    Raises:
        OSError: The program cannot be started.
    """
    with ExitStack() as ours, ExitStack() as theirs:
        data, its_data = _sockets(ours, theirs)
        control, its_control = _sockets(ours, theirs)
        stdout, its_stdout = _pipe(ours, theirs)
        stderr, its_stderr = _pipe(ours, theirs)
        for sock in (data, its_data):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        for sock in (its_data, its_control):
            sock.set_inheritable(True)
        pid = os.posix_spawnp(
            command[0],
            [*command, str(its_data.fileno()), str(its_control.fileno())],
            dict(environ),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, its_stdout, 1),
                (os.POSIX_SPAWN_DUP2, its_stderr, 2),
            ],
            setpgroup=0,
            # A model that starts programs must be able to end them, whatever this process ignores.
            setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
        )
        ours.pop_all()
    return Process(pid, data, control, stdout, stderr)


def _sockets(ours: ExitStack, theirs: ExitStack) -> tuple[socket.socket, socket.socket]:
    one, other = socket.socketpair()
    return ours.enter_context(one), theirs.enter_context(other)


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe()
    ours.callback(os.close, reading)
    theirs.callback(os.close, writing)
    return reading, writing
