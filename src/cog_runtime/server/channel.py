"""The server's end of a socket to the worker, inside the event loop."""

from __future__ import annotations

import asyncio
from typing import Callable

from cog_runtime.server.codec import dumps, loads
from cog_runtime.server.gathering import Gathering
from cog_runtime.wire import BadFrame, Frame, Splitter, pack


class Channel(asyncio.Protocol):
    """Frames over one socket.

    Args:
        on_frames: Called with the frames that came together.
        on_lost: Called once when the other side is gone, or does not speak the protocol.
    """

    def __init__(self, on_frames: Callable[[list[Frame]], None], on_lost: Callable[[], None]) -> None:
        self._on_frames = on_frames
        self._on_lost = on_lost
        self._splitter = Splitter(loads)
        self._transport: Gathering | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = Gathering(transport, asyncio.get_running_loop())  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Pass on the frames that are complete."""
        try:
            frames = self._splitter.feed(data)
        except BadFrame:
            self.close()
            return
        if frames:
            self._on_frames(frames)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the other side is gone."""
        del exc
        self._transport = None
        self._on_lost()

    def send(self, frame: Frame, *, now: bool = False) -> None:
        """Send a frame; nothing happens when the other side is gone.

        Args:
            frame: What to send.
            now: Do not wait for what else may be sent in this turn of the event loop.
        """
        transport = self._transport
        if transport is not None:
            write = transport.write_now if now else transport.write
            write(pack(frame, dumps))

    def close(self) -> None:
        """Close this end once everything is sent."""
        if self._transport is not None:
            self._transport.close()
