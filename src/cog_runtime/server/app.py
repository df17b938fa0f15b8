"""The routes, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from starlette.routing import Match, Route, Router

from cog_runtime.server.access import Access
from cog_runtime.server.guard import guarded
from cog_runtime.server.log import ERROR
from cog_runtime.server.responses import JSON, send_empty
from cog_runtime.server.routes import page, pages
from cog_runtime.server.routes.health import Health
from cog_runtime.server.routes.predict import Cancel, Predict, refuse
from cog_runtime.server.routes.status import Listing, Live, Methods, Metrics, Ready, Status

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from cog_runtime.server.access import AccessLog
    from cog_runtime.server.log import Log
    from cog_runtime.server.predictions import Predictions
    from cog_runtime.server.schema import Schema
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.workers import Workers

COG_VERSION = "0.22.0"
"""The release of Cog whose API this is."""


class _Exact(Route):
    """A route that answers another method with 405 and nothing else, as upstream does."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = self.methods or set()
        if scope["method"] in methods:
            await self.app(scope, receive, send)
        else:
            await send_empty(send, 405, (b"allow", ", ".join(sorted(methods)).encode()))


class _One(_Exact):
    """A route whose parameter is one segment of the path as it was sent: ``%2F`` is part of it, ``/`` is not."""

    def matches(self, scope: Scope) -> Any:
        depth = self.path.count("/")
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        if raw.partition(b"?")[0].count(b"/") != depth or b"//" in raw or raw.endswith(b"/"):
            return Match.NONE, {}
        return super().matches(scope)


def make_app(
    workers: Workers,
    predictions: Predictions,
    *,
    schema: Schema,
    settings: Settings,
    log: Log,
    stop: Callable[[], None],
    access_log: AccessLog,
) -> ASGIApp:
    """Return the application.

    Args:
        workers: Whose health is told.
        predictions: Takes requests on.
        schema: What the image carries.
        settings: Limits.
        log: Told about mistakes of ours.
        stop: Ends the server.
        access_log: Told of every request.
    """

    def create(*, training: bool) -> Predict:
        streaming = schema.streaming and not training
        return Predict(predictions, training=training, streaming=streaming, body_limit=settings.body_limit)

    index = pages.Fixed(pages.index(COG_VERSION, training=schema.training), JSON)
    files = page.Files()
    health = Health(workers, predictions, queue=settings.queue, kubernetes=settings.kubernetes)
    router = Router(
        routes=[
            *_calls("/predictions", create(training=False), predictions, training=False),
            _Exact("/health-check", health, methods=["GET"]),
            _Exact("/", page.Root(page.Page(files, "index.html"), index), methods=["GET"]),
            _Exact("/openapi.json", pages.Document(schema), methods=["GET"]),
            _Exact("/docs", page.Page(files, "docs.html"), methods=["GET"]),
            _Exact(page.FOLDER + "{name}", files, methods=["GET"]),
            _Exact("/about", page.About(workers), methods=["GET"]),
            _Exact("/shutdown", pages.Shutdown(stop), methods=["POST"]),
            *_calls("/trainings", create(training=True), predictions, training=True),
            _Exact("/livez", Live(), methods=["GET"]),
            _Exact("/readyz", Ready(workers, predictions), methods=["GET"]),
            _Exact("/metrics", Metrics(workers, predictions), methods=["GET"]),
        ],
        redirect_slashes=False,
        default=_unknown,
    )
    return Access(guarded(_safe(router, log), settings), access_log)


def _calls(path: str, create: Predict, predictions: Predictions, *, training: bool) -> list[Route]:
    """Return the routes of predictions, or of trainings."""
    one = path + "/{prediction_id:path}"
    return [
        _Exact(path, Methods(Listing(predictions, training=training), create), methods=["POST", "GET"]),
        _One(one, Methods(Status(predictions, training=training), create), methods=["PUT", "GET"]),
        _One(f"{one}/cancel", Cancel(predictions), methods=["POST"]),
    ]


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send_empty(send, 404)


def _safe(app: ASGIApp, log: Log) -> ASGIApp:
    """Return the application with mistakes of ours answered by a 500 and a line in the log."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            log.write(ERROR, "cog", "Unexpected error", {"error": repr(error), "path": scope.get("path")})
            await refuse(send, "Internal server error")

    return call
