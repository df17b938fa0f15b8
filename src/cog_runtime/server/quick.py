"""The short way of a small ``POST /predictions``: from uvicorn's parser to the worker and back, without a task.

What uvicorn and Starlette do for any application (a task, an event, a route, a scope, messages) costs more than all
that a small prediction needs. A request that asks for nothing special is answered by callbacks instead; everything
else goes the usual way, and gives the same answers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cog_runtime.server.gathering import Gathering, gathering
from cog_runtime.server.log import ERROR
from cog_runtime.server.request import parse
from cog_runtime.server.responses import Answer, error

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.predictions import Predictions

_PATH = b"/predictions"
SHORT = 1 << 14
"""Bytes of a body; for larger ones the way does not matter, and uvicorn regulates the flow from 64 KiB on."""
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
    """

    __slots__ = (
        "_has_begun",
        "_headers",
        "_log",
        "_prediction",
        "_predictions",
        "_protocol",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
    )

    def __init__(self, protocol: Any, headers: dict[bytes, bytes], predictions: Predictions, log: Log) -> None:
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self._protocol = protocol
        self._headers = headers
        self._predictions = predictions
        self._log = log
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
        try:
            request = parse(self.body, self._headers, None, "prediction")
            self._prediction = prediction = self._predictions.begin(request, training=False)
        except Answer as answer:
            self._send(answer.status, answer.body, answer.headers)
        except Exception as problem:  # noqa: BLE001 - the last place that can answer
            self._log.write(ERROR, "cog", "Unexpected error", {"error": repr(problem), "path": "/predictions"})
            self._send(500, error("Internal server error"))
        else:
            prediction.when_over(self._finish)

    def _leave(self) -> None:
        prediction = self._prediction
        if prediction is not None:
            self._predictions.cancel(prediction)

    def _finish(self, prediction: Prediction) -> None:
        self._prediction = None
        if not self.disconnected:
            self._send(200, prediction.snapshot())

    def _send(self, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        more = b"".join(b"%s: %s\r\n" % header for header in headers)
        if not self.keep_alive:
            more += b"connection: close\r\n"
        protocol = self._protocol
        protocol.transport.write_now(b"%s%d\r\n%s\r\n%s" % (_HEADS[status], len(body), more, body))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


def is_plain(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether a request asks for nothing but an answer to a small body."""
    length = -1
    for name, value in headers:
        if name in _SPECIAL or (name == b"accept" and _STREAM in value):
            return False
        if name == b"connection" and value.lower() != b"keep-alive":
            return False
        if name == b"content-length":
            length = int(value) if value.isdigit() else -1
    return 0 <= length <= SHORT


def quick(protocol: type[Any], predictions: Predictions, log: Log) -> type[Any]:
    """Return uvicorn's HTTP protocol with the short way, and with gathered writes for the usual one.

    Args:
        protocol: uvicorn's, the one that uses httptools; another one is left as it is, but for the writes.
        predictions: Takes requests on.
        log: Told about mistakes of ours.
    """
    if not hasattr(protocol, "on_headers_complete"):
        return gathering(protocol)

    class Quick(protocol):  # type: ignore[misc]
        """An HTTP connection."""

        cycle: Any
        _until = _BUSY

        def connection_made(self, transport: Any) -> None:
            super().connection_made(Gathering(transport, self.loop))

        def on_response_complete(self) -> None:
            # uvicorn makes a timer for each answer and cancels it at the next request; here one looks again later.
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

        def on_headers_complete(self) -> None:
            if (
                self.url == _PATH
                and (self.cycle is None or self.cycle.response_complete)
                and self.parser.get_method() == b"POST"
                and self.parser.get_http_version() == "1.1"
                and is_plain(self.headers)
            ):
                self.cycle = Exchange(self, dict(self.headers), predictions, log)
            else:
                super().on_headers_complete()

    return Quick
