"""Writes that are gathered for one turn of the event loop, so that one system call sends them all.

uvicorn writes the head and the body of an answer separately; each write is a system call and wakes the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Gathering:
    """A transport in front of another one.

    Args:
        inner: Where the bytes go.
        loop: Its event loop.
    """

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        # Asked for each answer, and the way by __getattr__ is a long one.
        self.is_closing = inner.is_closing
        self._loop = loop
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write with what else is written in this turn."""
        self._pieces.append(data)
        if len(self._pieces) == 1:
            self._loop.call_soon(self.flush)

    def write_now(self, data: bytes) -> None:
        """Write this, after what was written before."""
        self.flush()
        self._inner.write(data)

    def flush(self) -> None:
        """Write now."""
        pieces = self._pieces
        if pieces:
            self._pieces = []
            self._inner.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def close(self) -> None:
        """Write the rest, and close."""
        self.flush()
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the other transport's."""
        return getattr(self._inner, name)


def gathering(protocol: type[Any]) -> type[Any]:
    """Return uvicorn's HTTP protocol with gathered writes."""

    class Gathered(protocol):  # type: ignore[misc]
        """An HTTP connection."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(Gathering(transport, self.loop))

    return Gathered
