"""The access log: one line for each request that was answered."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Mapping

from cog_runtime.server import dates
from cog_runtime.server.log import DEBUG, INFO
from cog_runtime.server.request_ids import HEADER, request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from cog_runtime.server.log import Log
    from cog_runtime.server.tracing import Span, Tracer

GONE = 499
"""The status that is logged when the client went away before its answer."""

_LONGEST_PATH = 300
SERVER_ERROR = 500
_PROBES = frozenset({"/health-check", "/livez", "/readyz", "/metrics"})
"""Asked every few seconds, and of no interest while all is well."""


class AccessLog:
    """Writes the lines, and the spans of requests where traces are wanted.

    Args:
        log: Where to.
        tracer: Begins spans; None where nobody wants traces.
    """

    def __init__(self, log: Log, tracer: Tracer | None = None) -> None:
        self._log = log
        self._tracer = tracer

    def span(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Span | None:
        """Return the span of a request that has come; None when it is not traced.

        Args:
            method: Of HTTP.
            path: As it was sent, without the query.
            headers: By lower-case name; the one with the request's name is there.
        """
        if self._tracer is None or path in _PROBES:
            return None
        about = {"http.request.method": method, "url.path": path, "cog.request.id": headers[HEADER].decode()}
        parent, state = headers.get(b"traceparent"), headers.get(b"tracestate")
        return self._tracer.begin(_name(method, path), parent, state, about)

    @property
    def traces(self) -> bool:
        """Whether there are spans at all."""
        return self._tracer is not None

    @staticmethod
    def end(span: Span | None, status: int) -> None:
        """End the span of a request."""
        if span is not None:
            failed = f"HTTP status {status}" if status >= SERVER_ERROR else None
            span.end(failed, {"http.response.status_code": status})

    def write(self, method: str, path: str, status: int, began: float, identity: str) -> None:
        """Write a line.

        Args:
            method: Of HTTP.
            path: As it was sent, without the query, which may hold what is nobody's business.
            status: Of the answer.
            began: When the request came, by ``perf_counter``.
            identity: The request's name.
        """
        level = DEBUG if path in _PROBES and status < GONE else INFO
        if level >= self._log.level:
            fields = {
                "method": method,
                "path": path[:_LONGEST_PATH],
                "status": status,
                "duration": round(perf_counter() - began, 6),
                "request_id": identity,
            }
            self._log.write(level, "cog::access", "Request", fields)


class Access:
    """Gives every request a name, and logs how it was answered; what goes the short way does both by itself.

    Args:
        app: Answers.
        access_log: Takes the lines.
    """

    def __init__(self, app: ASGIApp, access_log: AccessLog) -> None:
        self._app = app
        self._log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        began = perf_counter()
        given = next((value for name, value in scope["headers"] if name == HEADER), None)
        identity = request_id(given)
        if identity is not given:
            rest = [header for header in scope["headers"] if header[0] != HEADER]
            scope["headers"] = [*rest, (HEADER, identity)]
        path = path_of(scope)
        span = self._log.span(scope["method"], path, dict(scope["headers"])) if self._log.traces else None
        scope["span"] = span
        status = GONE

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, identity), (dates.HEADER, dates.read_date())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            self._log.write(scope["method"], path, status, began, identity.decode())
            self._log.end(span, status)


def _name(method: str, path: str) -> str:
    """Return the name of a request's span: names must be few, so ids are left out, and whatever is no route."""
    for start in ("/predictions", "/trainings"):
        if path == start:
            return f"{method} {path}"
        if path.startswith(f"{start}/"):
            return f"{method} {start}/{{id}}{'/cancel' if path.endswith('/cancel') else ''}"
    return method


def path_of(scope: Scope) -> str:
    """Return the path as it was sent, without its query."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")
