"""The worker's end of a socket: whole frames in, whole frames out."""

from __future__ import annotations

import json
import socket
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any

from cog_runtime.wire import Frame, Splitter, pack

if TYPE_CHECKING:
    from cog_runtime.waiting import ShortWaits

_AT_ONCE = 1 << 16
_AT_MOST = 1 << 20


def dumps(value: Any) -> bytes:
    """Encode JSON in UTF-8.

    Raises:
        TypeError: Something has no JSON form.
        ValueError: NaN, an infinity, or half of a surrogate pair.
    """
    return _ENCODER.encode(value).encode()


def loads(data: bytes) -> Any:
    """Decode JSON in UTF-8; ``json.loads`` would first look for the encoding, which takes as long as a small text.

    Raises:
        ValueError: It is none.
    """
    return _DECODER.decode(data.decode())


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder()


class Channel:
    """Blocking frames over one socket. Any thread may send; one thread receives.

    Args:
        sock: The socket.
        waits: Where waiting is part of what a client waits for.
    """

    def __init__(self, sock: socket.socket, waits: ShortWaits | None = None) -> None:
        self.socket = sock
        self._waits = waits
        self._splitter = Splitter(loads)
        self._frames: deque[Frame] = deque()
        self._sending = Lock()

    def receive(self) -> Frame | None:
        """Wait for the next frame; None when the server has closed its end."""
        while not self._frames:
            data = self._data(min(max(_AT_ONCE, self._splitter.missing), _AT_MOST))
            if not data:
                return None
            self._frames.extend(self._splitter.feed(data))
        return self._frames.popleft()

    def _data(self, most: int) -> bytes:
        if self._waits is None:
            return self.socket.recv(most)
        return self._waits.wait(lambda: self._look(most), lambda _: self.socket.recv(most))

    def _look(self, most: int) -> bytes | None:
        try:
            return self.socket.recv(most, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def send(self, frame: Frame) -> None:
        """Send a frame; waits while the server is busy, which keeps memory bounded."""
        data = pack(frame, dumps)
        with self._sending:
            self.socket.sendall(data)
