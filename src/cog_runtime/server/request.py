"""The body and the headers of a request for a prediction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple, Union

from cog_runtime.server.checks import is_number
from cog_runtime.server.codec import loads
from cog_runtime.server.request_ids import HEADER
from cog_runtime.server.responses import Answer, detail, error

if TYPE_CHECKING:
    from starlette.types import Receive

    from cog_runtime.server.tracing import Span

EVENTS = frozenset({"start", "output", "logs", "completed"})
"""What a webhook can be told about."""

_LONGEST = 1_000_000
"""Seconds that a request may allow its prediction."""

Headers = Dict[bytes, bytes]
Detail = List[Dict[str, Any]]
_Where = Tuple[Union[str, int], ...]


class Request(NamedTuple):
    """What was asked.

    Attributes:
        id: The prediction's name; ours when the request has none.
        input: The model's inputs, not validated yet.
        context: What the model finds in ``current_scope().context``.
        webhook: Where to report; None for nowhere.
        events: What to report.
        trace: ``traceparent`` and ``tracestate``, passed on to webhooks.
        request_id: The request's name, passed on to webhooks.
        timeout: Seconds that it may take; None for what the server allows.
        span: The request's part of a trace; None when it is not traced.
    """

    id: str
    input: Any
    context: dict[str, str]
    webhook: str | None
    events: frozenset[str]
    trace: tuple[tuple[str, str], ...]
    request_id: str
    timeout: float | None = None
    span: Span | None = None


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        Answer: It is longer than the limit, or the client went away.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        pieces, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Answer(400, error("the client went away"))
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise Answer(413, error(f"the request is longer than {limit} bytes"))
        body = b"".join(pieces)
    if len(body) > limit:
        raise Answer(413, error(f"the request is longer than {limit} bytes"))
    return body


def parse(body: bytes, headers: Headers, id_in_path: str | None, noun: str, span: Span | None = None) -> Request:
    """Read a request.

    Args:
        body: What came.
        headers: By lower-case name; the one with the request's name is there.
        id_in_path: The id that the URL says; None when it says none.
        noun: ``prediction`` or ``training``, for messages.
        span: The request's part of a trace.

    Raises:
        Answer: The body is no JSON (400), not said to be JSON (415), or of another form (422).
    """
    fields = _fields(body, headers.get(b"content-type"))
    # Nearly all requests have nothing but inputs, and inputs are checked elsewhere.
    problems = _problems(fields) if len(fields) > 1 or "input" not in fields else None
    if problems:
        raise Answer(422, detail(problems))
    identity = fields.get("id")
    if id_in_path is not None and identity is not None and identity != id_in_path:
        message = f"{noun} ID must match the ID supplied in the URL"
        raise Answer(422, detail([problem(("body", "id"), message)]))
    chosen = id_in_path if id_in_path is not None else identity
    events = fields.get("webhook_events_filter")
    inputs = fields.get("input")
    return Request(
        id=f"pred_{time.time_ns():x}" if chosen is None else chosen,
        input={} if inputs is None else inputs,
        context=fields.get("context", {}),
        webhook=fields.get("webhook"),
        events=EVENTS if events is None else frozenset(events),
        trace=_trace(headers),
        request_id=headers[HEADER].decode(),
        timeout=fields.get("timeout"),
        span=span,
    )


def problem(where: _Where, message: str, kind: str = "value_error") -> dict[str, Any]:
    """Return one entry of a 422 body."""
    return {"loc": list(where), "msg": message, "type": kind}


def _trace(headers: Headers) -> tuple[tuple[str, str], ...]:
    if b"traceparent" not in headers:
        return ()
    names = ("traceparent", "tracestate")
    return tuple((name, headers[name.encode()].decode("latin-1")) for name in names if name.encode() in headers)


def _fields(body: bytes, content_type: bytes | None) -> dict[str, Any]:
    if content_type is None:
        return {}
    if content_type != b"application/json" and not _is_json(content_type):
        raise Answer(415, error("Expected request with `Content-Type: application/json`"))
    try:
        fields = loads(body)
    except (ValueError, RecursionError) as reason:
        raise Answer(400, error(f"Failed to parse the request body as JSON: {reason}")) from None
    if not isinstance(fields, dict):
        raise Answer(422, detail([problem(("body",), "a JSON object is expected")]))
    return fields


def _is_json(content_type: bytes) -> bool:
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def _problems(fields: dict[str, Any]) -> Detail:
    found = [
        problem(("body", name), "a string is expected")
        for name in ("id", "webhook")
        if not isinstance(fields.get(name, ""), (str, type(None)))
    ]
    timeout = fields.get("timeout")
    if timeout is not None and not (is_number(timeout) and 0 < timeout <= _LONGEST):
        found.append(problem(("body", "timeout"), f"a number of seconds above 0 and at most {_LONGEST} is expected"))
    if "context" in fields:
        found += _context_problems(fields["context"])
    events = fields.get("webhook_events_filter")
    if events is not None:
        found += _events_problems(events)
    return found


def _context_problems(context: Any) -> Detail:
    if not isinstance(context, dict):
        return [problem(("body", "context"), "an object is expected")]
    wrong = [name for name, value in context.items() if not isinstance(value, str)]
    return [problem(("body", "context", name), "a string is expected") for name in wrong]


def _events_problems(events: Any) -> Detail:
    where = ("body", "webhook_events_filter")
    if not isinstance(events, list):
        return [problem(where, "a list is expected")]
    known = ", ".join(f"`{name}`" for name in ("start", "output", "logs", "completed"))
    return [
        problem((*where, index), f"expected one of {known}")
        for index, event in enumerate(events)
        if not isinstance(event, str) or event not in EVENTS
    ]
