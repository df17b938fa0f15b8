"""What became of predictions: one of them, all of them, and figures for machines that watch."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import send_body, send_empty, send_json
from cog_runtime.server.worker import READY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from cog_runtime.server.figures import Gauge
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.predictions import Predictions
    from cog_runtime.server.workers import Workers

_LONGEST_WAIT = 60.0
_PROMETHEUS = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class Methods:
    """One path with several methods.

    Args:
        get: Answers ``GET``.
        other: Answers everything else that the route lets through.
    """

    def __init__(self, get: ASGIApp, other: ASGIApp) -> None:
        self._get = get
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await (self._get if scope["method"] in {"GET", "HEAD"} else self._other)(scope, receive, send)


class Status:
    """``GET /predictions/{id}``, with ``?wait=SECONDS``.

    Args:
        predictions: Knows them.
        training: It is about trainings.
    """

    def __init__(self, predictions: Predictions, *, training: bool) -> None:
        self._predictions = predictions
        self._training = training

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del receive
        identity = scope["path_params"]["prediction_id"]
        running = self._predictions.find(identity, training=self._training)
        seconds = _seconds(scope)
        if running is not None and seconds:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(running.wait(), seconds)
        if running is not None:
            await send_json(send, 200, self._so_far(running))
            return
        ended = self._predictions.history.find(identity, training=self._training)
        if ended is None:
            await send_json(send, 404, dumps({"error": "Prediction not found"}))
        else:
            await send_json(send, 200, ended.body)

    def _so_far(self, prediction: Prediction) -> bytes:
        body = prediction.snapshot()
        position = self._predictions.position(prediction)
        return body if position is None else b'%s,"queue_position":%d}' % (body[:-1], position)


class Listing:
    """``GET /predictions``: those in flight, then those that are over, the newest first.

    Args:
        predictions: Knows them.
        training: It is about trainings.
    """

    def __init__(self, predictions: Predictions, *, training: bool) -> None:
        self._predictions = predictions
        self._training = training

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        running = [
            {"id": each.id, "status": each.status}
            for each in reversed(self._predictions.in_flight)
            if each.training == self._training
        ]
        ended = self._predictions.history.listed(training=self._training)
        await send_json(send, 200, dumps({"results": running + ended}))


class Ready:
    """``GET /readyz``: 200 while requests are taken on, else 503.

    Args:
        workers: They have to be ready.
        predictions: They must not be stopping.
    """

    def __init__(self, workers: Workers, predictions: Predictions) -> None:
        self._workers = workers
        self._predictions = predictions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        well = self._workers.state == READY and not self._predictions.stopping
        await send_empty(send, 200 if well else 503)


class Live:
    """``GET /livez``: whoever can answer lives."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_empty(send, 200)


class Metrics:
    """``GET /metrics``.

    Args:
        workers: Whose state is told.
        predictions: Whose figures are told.
    """

    def __init__(self, workers: Workers, predictions: Predictions) -> None:
        self._workers = workers
        self._predictions = predictions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        body = self._predictions.figures.text(self._gauges())
        await send_body(send, 200, body, [_PROMETHEUS, (b"content-length", b"%d" % len(body))])

    def _gauges(self) -> list[Gauge]:
        workers = self._workers
        return [
            ("running", "Predictions that run.", workers.running),
            ("queued", "Predictions that wait for a slot.", self._predictions.waiting),
            ("slots", "Predictions that can run at a time.", workers.slots),
            ("workers_ready", "Workers that are ready.", workers.ready),
            ("worker_restarts_total", "Workers that were started again.", workers.restarts),
        ]


def _seconds(scope: Scope) -> float:
    text = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1]
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else 0.0
