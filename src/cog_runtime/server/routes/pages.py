"""The small routes: what there is, the schema, and the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import send_body, send_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cog_runtime.server.schema import Schema

_URLS = {
    "docs_url": "/docs",
    "openapi_url": "/openapi.json",
    "shutdown_url": "/shutdown",
    "healthcheck_url": "/health-check",
    "predictions_url": "/predictions",
    "predictions_idempotent_url": "/predictions/{prediction_id}",
    "predictions_cancel_url": "/predictions/{prediction_id}/cancel",
}
_TRAINING_URLS = {
    "trainings_url": "/trainings",
    "trainings_idempotent_url": "/trainings/{training_id}",
    "trainings_cancel_url": "/trainings/{training_id}/cancel",
}


class Fixed:
    """Answers the same every time.

    Args:
        body: The body.
        header: Its content type.
    """

    def __init__(self, body: bytes, header: tuple[bytes, bytes]) -> None:
        self._body = body
        self._headers = [header, (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_body(send, 200, self._body, self._headers)


class Document:
    """``GET /openapi.json``.

    Args:
        schema: What the image carries.
    """

    def __init__(self, schema: Schema) -> None:
        self._text = schema.text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        if self._text is None:
            await send_json(send, 503, dumps({"error": "OpenAPI schema not available"}))
        else:
            await send_json(send, 200, self._text)


class Shutdown:
    """``POST /shutdown``.

    Args:
        stop: Begins the end.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_json(send, 200, b"{}")
        self._stop()


def index(version: str, *, training: bool) -> bytes:
    """Return the body of ``GET /``.

    Args:
        version: The release of Cog that we are compatible with.
        training: There is something to train.
    """
    found = {"cog_version": version, **_URLS, **(_TRAINING_URLS if training else {})}
    return dumps(dict(sorted(found.items())))
