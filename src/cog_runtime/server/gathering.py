"""Connections as uvicorn has them, with three things mended: gathered writes, upgrades, and requests that are none.

uvicorn writes the head and the body of an answer separately; each write is a system call and wakes the client. Here
they are gathered for one turn of the event loop.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from cog_runtime.server.dates import read_date
from cog_runtime.server.request_ids import HEADER, request_id
from cog_runtime.server.responses import error

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol

    from cog_runtime.server.access import AccessLog
else:
    # uvicorn's protocol comes behind these classes when it is known which one it is.
    _Protocol = object

_BAD = 400
_BAD_BODY = error("The request is not valid HTTP")
_BAD_HEAD = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
)


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


class _Unchanged(_Protocol):
    """Requests that offer another protocol are answered in this one (RFC 9110, section 7.8).

    httptools takes what follows such a head for the other protocol. So the head is given to it again without the
    offer, and then what follows: lengths, chunks and the next request are its business as ever.
    """

    mistake: ClassVar[type[Exception]]
    offer: ClassVar[type[Exception]]

    _again = b""
    """The head of the request that is being read, if it made an offer."""

    def data_received(self, data: bytes) -> None:
        # Instead of uvicorn's, which would not tell where the parser stopped.
        self._unset_keepalive_if_required()
        rest: bytes | memoryview = data
        try:
            while True:
                try:
                    self.parser.feed_data(rest)
                    break
                except self.offer as offer:
                    head, self._again = self._again, b""
                    if not head:
                        break  # CONNECT: uvicorn answers it, and forgets what follows
                    rest = memoryview(rest)[offer.args[0] :]
                    # Another one, as this one may have read "close", and would skip all that comes.
                    self.parser = type(self.parser)(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
                    self.parser.feed_data(head)
        except self.mistake:
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and (method := self.parser.get_method()) != b"CONNECT":
            lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
            version = self.parser.get_http_version().encode()
            self._again = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(lines))
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._again:
            super().on_message_complete()


def gathering(protocol: type[Any], access: AccessLog) -> type[Any]:
    """Return uvicorn's HTTP protocol with gathered writes, and with our answers to what is no request.

    Args:
        protocol: uvicorn's; upgrades are left to it unless it uses httptools.
        access: Told how requests were answered that nobody else sees.
    """

    class Gathered(protocol):  # type: ignore[misc]
        """An HTTP connection."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(Gathering(transport, self.loop))

        def send_400_response(self, msg: str) -> None:
            del msg
            began = perf_counter()
            headers = dict(getattr(self, "headers", None) or ())
            identity = request_id(headers.get(HEADER))
            head = (_BAD_HEAD % len(_BAD_BODY), identity, read_date(), _BAD_BODY)
            self.transport.write(b"%sx-request-id: %s\r\ndate: %s\r\n\r\n%s" % head)
            self.transport.close()
            access.write("-", "-", _BAD, began, identity.decode())

    if not hasattr(protocol, "on_headers_complete"):
        return Gathered
    from httptools import HttpParserError, HttpParserUpgrade  # noqa: PLC0415 - not everywhere

    return type("Unchanged", (_Unchanged, Gathered), {"mistake": HttpParserError, "offer": HttpParserUpgrade})
