"""The short way of a plain ``POST /predictions``: from uvicorn's parser to the worker and back, without a task.

What uvicorn and Starlette do for any application (a task, an event, a route, a scope, messages) costs more than all
that a small prediction needs. A request that asks for nothing special is answered by callbacks instead; everything
else goes the usual way, and gives the same answers.
"""

from __future__ import annotations

from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from cog_runtime.server.access import GONE
from cog_runtime.server.dates import read_date
from cog_runtime.server.gathering import gathering
from cog_runtime.server.log import ERROR
from cog_runtime.server.request import parse
from cog_runtime.server.request_ids import HEADER, request_id
from cog_runtime.server.responses import Answer, error

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol

    from cog_runtime.server.access import AccessLog
    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.predictions import Predictions
else:
    # uvicorn's protocol comes behind these classes when it is known which one it is.
    _Protocol = object

_PATH = b"/predictions"
_LONGEST = 8 << 20
"""Bytes of a body. uvicorn stops and starts reading for every 64 KiB, for an application that could do something with
them; here the whole body is needed anyway, and for 1 MiB that is a fifth of the server's time."""
_BUSY = float("inf")
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"prefer"})
_STREAM = b"text/event-stream"
_HEADS = {
    status.value: b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: "
    % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


class Exchange:
    """A request and its answer, as uvicorn's protocol sees its own ``RequestResponseCycle``.

    Args:
        protocol: The connection.
        headers: By lower-case name.
        predictions: Takes the request on.
        log: Told about mistakes of ours.
        access: Told how it was answered.
    """

    __slots__ = (
        "_access",
        "_began",
        "_has_begun",
        "_headers",
        "_identity",
        "_log",
        "_prediction",
        "_predictions",
        "_protocol",
        "_span",
        "disconnected",
        "keep_alive",
        "more_body",
        "pieces",
        "response_complete",
    )

    def __init__(
        self, protocol: Any, headers: dict[bytes, bytes], predictions: Predictions, log: Log, access: AccessLog
    ) -> None:
        self.pieces: list[bytes] = []
        self.more_body = True
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self._protocol = protocol
        self._headers = headers
        self._predictions = predictions
        self._log = log
        self._access = access
        self._began = perf_counter()
        self._identity = headers[HEADER] = request_id(headers.get(HEADER))
        self._span = access.span("POST", "/predictions", headers) if access.traces else None
        self._prediction: Prediction | None = None
        self._has_begun = False

    @property
    def message_event(self) -> Exchange:
        """What uvicorn sets when something has come."""
        return self

    def set(self) -> None:
        """Act: the body is complete, or the client has gone away."""
        if self.disconnected:
            self._leave()
        elif not self.more_body and not self._has_begun:
            self._has_begun = True
            self._begin()

    def _begin(self) -> None:
        # The connection may stay for a minute, and this object with it; the body must not.
        body, self.pieces = b"".join(self.pieces), []
        try:
            request = parse(body, self._headers, None, "prediction", self._span)
            self._prediction = prediction = self._predictions.begin(request, training=False)
        except Answer as answer:
            self._send(answer.status, answer.body, answer.headers)
        except Exception as problem:  # noqa: BLE001 - the last place that can answer
            self._log.write(ERROR, "cog", "Unexpected error", {"error": repr(problem), "path": "/predictions"})
            self._send(500, error("Internal server error"))
        else:
            prediction.when_over(self._finish)

    def _leave(self) -> None:
        self.pieces = []
        prediction = self._prediction
        if prediction is not None:
            self._predictions.cancel(prediction)

    def _finish(self, prediction: Prediction) -> None:
        self._prediction = None
        if self.disconnected:
            self._note(GONE)
        else:
            self._send(200, prediction.snapshot())

    def _send(self, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        more = b"".join(b"%s: %s\r\n" % header for header in headers)
        if not self.keep_alive:
            more += b"connection: close\r\n"
        protocol = self._protocol
        head = (_HEADS[status], len(body), self._identity, read_date(), more)
        protocol.transport.write_now(b"%s%d\r\nx-request-id: %s\r\ndate: %s\r\n%s\r\n%s" % (*head, body))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
        self._note(status)

    def _note(self, status: int) -> None:
        self._access.write("POST", "/predictions", status, self._began, self._identity.decode())
        if self._span is not None:
            self._access.end(self._span, status)


def is_plain(headers: list[tuple[bytes, bytes]], longest: int) -> bool:
    """Return whether a request asks for nothing but an answer to a body of at most this many bytes."""
    length = -1
    for name, value in headers:
        if name in _SPECIAL or (name == b"accept" and _STREAM in value):
            return False
        if name == b"connection" and value.lower() != b"keep-alive":
            return False
        if name == b"content-length":
            length = int(value) if value.isdigit() else -1
    return 0 <= length <= longest


class _KeptAlive(_Protocol):
    """Connections that stay open without a timer for each answer, as uvicorn has it: one looks again later."""

    _until = _BUSY

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._until = self.loop.time() + self.timeout_keep_alive
        if self.timeout_keep_alive_task is None:
            self._look_at(self._until)

    def _unset_keepalive_if_required(self) -> None:
        self._until = _BUSY

    def _look_at(self, moment: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(moment, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        if self._until <= self.loop.time():
            super().timeout_keep_alive_handler()
        else:
            self._look_at(min(self._until, self.loop.time() + self.timeout_keep_alive))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)


class _ShortWay(_KeptAlive):
    """Requests that an ``Exchange`` answers, and uvicorn's own way for all others."""

    exchange: ClassVar[Callable[[Any, dict[bytes, bytes]], Exchange]]
    longest: ClassVar[int]

    cycle: Any

    def on_headers_complete(self) -> None:
        if self._is_short():
            self.cycle = self.exchange(dict(self.headers))
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if type(self.cycle) is Exchange:
            self.cycle.pieces.append(body)
        else:
            super().on_body(body)

    def _is_short(self) -> bool:
        return (
            self.url == _PATH
            and (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and is_plain(self.headers, self.longest)
        )


def quick(
    protocol: type[Any], predictions: Predictions, log: Log, access: AccessLog, *, body_limit: int
) -> type[Any]:
    """Return uvicorn's HTTP protocol with the short way, and with gathered writes for the usual one.

    Args:
        protocol: uvicorn's, the one that uses httptools; another one is left as it is, but for the writes.
        predictions: Takes requests on.
        log: Told about mistakes of ours.
        access: Told how requests were answered.
        body_limit: Bytes that a request may have.
    """
    gathered = gathering(protocol, access)
    if not hasattr(protocol, "on_headers_complete"):
        return gathered

    def exchange(connection: Any, headers: dict[bytes, bytes]) -> Exchange:
        return Exchange(connection, headers, predictions, log, access)

    return type("Quick", (_ShortWay, gathered), {"exchange": exchange, "longest": min(_LONGEST, body_limit)})
