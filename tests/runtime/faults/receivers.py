"""Receivers of webhooks that are not well: they hang, reset, answer byte by byte, or take their time."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Behaviour = Callable[[socket.socket, threading.Event], None]

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of socket(7): on, 0 seconds


def well(sock: socket.socket, over: threading.Event) -> None:
    """Answer 200."""
    del over
    sock.sendall(_OK)


def broken(sock: socket.socket, over: threading.Event) -> None:
    """Answer 500."""
    del over
    sock.sendall(_OK.replace(b"200 OK", b"500 Oh"))


def reset(sock: socket.socket, over: threading.Event) -> None:
    """Break the connection off."""
    del over
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def silent(sock: socket.socket, over: threading.Event) -> None:
    """Say nothing until the end."""
    del sock
    over.wait()


def babbling(sock: socket.socket, over: threading.Event) -> None:
    """Answer with headers that never end, a byte at a time."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
    while not over.wait(0.1):
        sock.sendall(b"a")


def after(seconds: float) -> Behaviour:
    """Answer 200 after some time."""

    def slow(sock: socket.socket, over: threading.Event) -> None:
        over.wait(seconds)
        sock.sendall(_OK)

    return slow


class Odd:
    """Listens on the loopback, and treats each connection in its way.

    Args:
        usual: What is done with a connection.
        first: What is done with the first ones instead.

    Attributes:
        heard: Bodies of all requests so far.
    """

    def __init__(self, usual: Behaviour, *first: Behaviour) -> None:
        self.heard: list[Any] = []
        self._usual = usual
        self._first = list(first)
        self._over = threading.Event()
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._sock.getsockname()[1]}/hook"

    def start(self) -> None:
        """Begin to listen."""
        self._threads[0].start()

    def end(self) -> None:
        """Let go of all connections."""
        self._over.set()
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> list[Any]:
        """Return what was heard once there are that many requests."""
        return until(lambda: len(self.heard) >= count and list(self.heard))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._sock.accept()
                behaviour = self._first.pop(0) if self._first else self._usual
                thread = threading.Thread(target=self._treat, args=(sock, behaviour), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _treat(self, sock: socket.socket, behaviour: Behaviour) -> None:
        with sock, sock.makefile("rb") as stream, suppress(OSError):
            head = list(iter(stream.readline, b"\r\n"))
            length = next(int(line[15:]) for line in head if line.lower().startswith(b"content-length:"))
            self.heard.append(json.loads(stream.read(length)))
            behaviour(sock, self._over)


@contextmanager
def odd(usual: Behaviour, *first: Behaviour) -> Iterator[Odd]:
    """Yield a receiver; the arguments are those of :class:`Odd`."""
    receiver = Odd(usual, *first)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.end()
