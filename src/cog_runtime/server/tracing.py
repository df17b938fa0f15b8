"""Traces: how long the parts of a request took, told to a process beside this one (docs/decisions/0015-traces.md).

Nothing here is imported unless OpenTelemetry's variables are set. Ids are made here, because webhooks carry them; the
packages of OpenTelemetry, which belong to the model, are loaded by the other process alone.
"""

from __future__ import annotations

import re
from random import getrandbits
from time import time_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.sampling import Sampler
    from cog_runtime.server.trace_process import TraceProcess

Attributes = Dict[str, Any]
Record = Callable[[Dict[str, Any]], None]
"""Takes a span that is over."""

_parse_parent = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?").fullmatch
_LONGEST_ERROR = 1000


class Parent(NamedTuple):
    """What a caller says in ``traceparent`` (W3C Trace Context, section 3.2).

    Attributes:
        trace: Id of the trace, 32 digits.
        span: Id of the caller's span, 16 digits.
        sampled: The caller records it.
    """

    trace: str
    span: str
    sampled: bool


class Span:
    """Something that takes time.

    Args:
        record: Takes it when it is over.
        name: What it is.
        kind: ``server``, ``client`` or ``internal``.
        trace: Id of the trace.
        parent: Id of the span that it is a part of; None for none.
        state: ``tracestate`` of the caller; empty for none.
        begin: When it began, in nanoseconds since 1970.
        attributes: What is known about it.
    """

    __slots__ = ("_attributes", "_begin", "_record", "id", "kind", "name", "parent", "state", "trace")

    def __init__(
        self,
        record: Record,
        name: str,
        kind: str,
        *,
        trace: str,
        parent: str | None,
        state: str = "",
        begin: int | None = None,
        attributes: Attributes | None = None,
    ) -> None:
        self._record = record
        self.name = name
        self.kind = kind
        self.trace = trace
        self.id = f"{getrandbits(64) or 1:016x}"
        self.parent = parent
        self.state = state
        self._begin = time_ns() if begin is None else begin
        self._attributes = attributes or {}

    @property
    def traceparent(self) -> str:
        """What makes others' spans parts of this one."""
        return f"00-{self.trace}-{self.id}-01"

    def child(
        self, name: str, kind: str = "internal", attributes: Attributes | None = None, begin: int | None = None
    ) -> Span:
        """Return a part of it that begins now, or at the given nanosecond."""
        return Span(
            self._record,
            name,
            kind,
            trace=self.trace,
            parent=self.id,
            state=self.state,
            begin=begin,
            attributes=attributes,
        )

    def end(self, error: str | None = None, attributes: Attributes | None = None, moment: int | None = None) -> None:
        """End it.

        Args:
            error: Why it failed; None when it did not.
            attributes: What else is known by now.
            moment: When, in nanoseconds since 1970; now by default.
        """
        self._record(
            {
                "name": self.name,
                "kind": self.kind,
                "trace": self.trace,
                "id": self.id,
                "parent": self.parent,
                "state": self.state,
                "begin": self._begin,
                "end": time_ns() if moment is None else moment,
                "attributes": {**self._attributes, **(attributes or {})},
                "error": error and error[:_LONGEST_ERROR],
            }
        )

    def reported(self, header: Mapping[str, Any]) -> None:
        """Add a part that the worker tells about, which knows no ids; what is not understood is dropped."""
        begin, end, error = (header.get(name) for name in ("begin", "end", "error"))
        if isinstance(begin, (int, float)) and isinstance(end, (int, float)):
            about = address(str(header.get("url", "")))
            part = self.child(str(header.get("name", "")), "client", about, begin=round(begin * 1e9))
            part.end(None if error is None else str(error), moment=round(end * 1e9))


class Tracer:
    """Begins the spans of requests.

    Args:
        sampler: Chooses those that are traced.
        process: Takes spans that are over.
    """

    def __init__(self, sampler: Sampler, process: TraceProcess) -> None:
        self._sampler = sampler
        self._process = process

    def begin(self, name: str, parent: bytes | None, state: bytes | None, attributes: Attributes) -> Span | None:
        """Begin the span of a request; None when it is not traced.

        Args:
            name: What is asked for.
            parent: The header ``traceparent``.
            state: The header ``tracestate``.
            attributes: What is known about the request.
        """
        if self._process.gone.is_set():
            return None
        above = read_parent(parent)
        trace = f"{getrandbits(128) or 1:032x}" if above is None else above.trace
        if not self._sampler(int(trace, 16), None if above is None else above.sampled):
            return None
        return Span(
            self._process.record,
            name,
            "server",
            trace=trace,
            parent=None if above is None else above.span,
            state=(state or b"").decode("latin-1") if above is not None else "",
            attributes=attributes,
        )


def read_parent(header: bytes | None) -> Parent | None:
    """Read ``traceparent``; one that breaks the rules counts as none."""
    found = _parse_parent(header.decode("latin-1")) if header else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return Parent(trace, span, bool(int(flags, 16) & 1))


class Traced:
    """Listens to one prediction and makes its spans: the wait for a slot, and the time in the model.

    Args:
        span: Of the request.
    """

    def __init__(self, span: Span) -> None:
        self._request = span
        self._queue: Span | None = span.child("queue")

    def started(self, prediction: Prediction) -> None:
        """It got its slot."""
        queue, self._queue = self._queue, None
        if queue is not None and prediction.queue_time is not None:
            queue.end()
        about = {"cog.prediction.id": prediction.id}
        prediction.span = self._request.child("training" if prediction.training else "prediction", attributes=about)

    def logged(self, prediction: Prediction, source: str, text: str) -> None:
        """Say nothing."""

    def output(self, prediction: Prediction, chunk: bytes) -> None:
        """Say nothing."""

    def metric(self, prediction: Prediction, name: str, mode: str, value: Any) -> None:
        """Say nothing."""

    def completed(self, prediction: Prediction) -> None:
        """It is over."""
        span = prediction.span or self._queue
        if span is not None:
            span.end(prediction.error, {"cog.prediction.status": prediction.status})


def address(url: str) -> Attributes:
    """Return whom a URL leads to: neither path nor query, which may be as secret as a password."""
    try:
        parts = urlsplit(url)
        found = {"url.scheme": parts.scheme, "server.address": parts.hostname, "server.port": parts.port}
    except ValueError:
        return {}
    return {name: value for name, value in found.items() if value}
