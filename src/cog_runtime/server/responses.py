"""Answers as ASGI messages, made without a response object: there are thousands of them per second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Tuple

from cog_runtime.server.codec import dumps

if TYPE_CHECKING:
    from starlette.types import Send

Headers = List[Tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")


class Answer(Exception):
    """An answer that ends the handling of a request at once.

    Attributes:
        status: The HTTP status.
        body: JSON.
        headers: What it carries beside type and length.
    """

    def __init__(self, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


def error(message: str) -> bytes:
    """Return the body of an error that is not about one field."""
    return dumps({"error": message, "status": "failed"})


def detail(problems: list[dict[str, Any]]) -> bytes:
    """Return the body of a 422."""
    return dumps({"detail": problems})


async def send_json(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    """Send a JSON answer."""
    await send_body(send, status, body, [JSON, (b"content-length", b"%d" % len(body)), *more])


async def send_empty(send: Send, status: int, *more: tuple[bytes, bytes]) -> None:
    """Send an answer without a body, as upstream does for unknown routes."""
    await send_body(send, status, b"", [(b"content-length", b"0"), *more])


async def send_body(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send an answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
