"""The process that sends traces: it has the model's packages, and gets one line of JSON for each span."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from cog_runtime.server.codec import dumps
from cog_runtime.server.log import WARNING

if TYPE_CHECKING:
    from cog_runtime.server.log import Log

_PAUSE = 0.1
"""Seconds that spans are gathered before they are written."""
_MOST_WAITING = 4 << 20
"""Bytes that wait for the process; beyond that spans are dropped."""
_LONGEST_LINE = 1 << 14


class TraceProcess(asyncio.Protocol):
    """Hands spans over, and logs what the process has to say.

    Args:
        log: Where its lines go.
    """

    def __init__(self, log: Log) -> None:
        self.gone = asyncio.Event()
        self.pid = 0
        self._log = log
        self._transport: Any = None
        self._spans: list[dict[str, Any]] = []
        self._said = b""
        self._spoke = False
        self._closing = False
        self._dropped = 0

    async def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            command: Its program and arguments.
            environ: Its environment.

        Raises:
            OSError: It cannot be started.
        """
        ours, its = socket.socketpair()
        try:
            self.pid = _spawn(command, environ, its.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        ours.setblocking(False)  # noqa: FBT003 - takes no keywords
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)

    def record(self, span: dict[str, Any]) -> None:
        """Hand a span over, a little later."""
        if self.gone.is_set():
            return
        self._spans.append(span)
        if len(self._spans) == 1:
            asyncio.get_running_loop().call_later(_PAUSE, self._write)

    async def close(self, grace: float) -> None:
        """Let it send what it has, and end it after this many seconds."""
        self._closing = True
        self._write()
        if not self.gone.is_set():
            self._transport.write_eof()
        try:
            await asyncio.wait_for(self.gone.wait(), grace)
        except asyncio.TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where spans go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Log what it says."""
        *lines, self._said = (self._said + data).split(b"\n")
        if len(self._said) > _LONGEST_LINE:
            lines, self._said = [*lines, self._said], b""
        for line in filter(None, lines):
            self._spoke = True
            self._warn(line.decode("utf-8", "replace"))

    def eof_received(self) -> bool:
        """Close: whoever says nothing more hears nothing more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is gone; one that has said nothing is spoken for."""
        del exc
        self.gone.set()
        self._spans.clear()
        if not self._closing and not self._spoke:
            self._warn("The process that sends traces has ended; there are none from here on")

    def _write(self) -> None:
        spans, self._spans = self._spans, []
        if self.gone.is_set() or not spans:
            return
        if self._transport.get_write_buffer_size() > _MOST_WAITING:
            if not self._dropped:
                self._warn("Traces are made faster than they are sent; some are dropped")
            self._dropped += len(spans)
        else:
            self._transport.write(b"".join(dumps(span) + b"\n" for span in spans))

    def _warn(self, text: str) -> None:
        self._log.write(WARNING, "cog::traces", text, {})


def _spawn(command: Sequence[str], environ: Mapping[str, str], descriptor: int) -> int:
    return os.posix_spawnp(
        command[0],
        list(command),
        dict(environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, number) for number in (0, 1, 2)],
        setpgroup=0,
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
    )
