"""An SSH agent of one check's own, which tells the name of one key and signs nothing."""

from __future__ import annotations

import contextlib
import socketserver
import struct
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENT: Final = "the-key-of-the-contract"
"""What the agent says about its key."""

_LIST, _LISTED, _FAILURE = 11, 12, 5
"""Requests and answers (draft-miller-ssh-agent, section 6.1)."""
_LARGEST: Final = 256 * 1024
"""Bytes of a message, as OpenSSH's own agent takes them."""
_PAUSE: Final = 0.05


@contextlib.contextmanager
def serve() -> Iterator[Path]:
    """Run the agent and yield its socket, in a folder with a short name: paths end at 107 bytes (unix(7))."""
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        socket = Path(folder, "socket")
        with socketserver.ThreadingUnixStreamServer(str(socket), _Conversation) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, args=(_PAUSE,))
            thread.start()
            try:
                yield socket
            finally:
                server.shutdown()
                thread.join()


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(head := self.rfile.read(4)) == 4:
            (size,) = struct.unpack(">I", head)
            if not 0 < size <= _LARGEST:
                return
            kind = self.rfile.read(size)[:1]
            self.wfile.write(_text(_identities() if kind == bytes([_LIST]) else bytes([_FAILURE])))


def _identities() -> bytes:
    """Return the answer with the one key: an Ed25519 public key of zeros (RFC 8709, section 4)."""
    key = _text(b"ssh-ed25519") + _text(bytes(32))
    return struct.pack(">BI", _LISTED, 1) + _text(key) + _text(COMMENT.encode())


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
