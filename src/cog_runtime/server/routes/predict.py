"""``POST /predictions`` and ``PUT /predictions/{id}``, and the same for trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cog_runtime.server.codec import dumps
from cog_runtime.server.request import parse, read_body
from cog_runtime.server.responses import Answer, error, send_body, send_json
from cog_runtime.server.routes.events import EVENT_STREAM, send_events
from cog_runtime.server.routes.watching import Watches

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cog_runtime.server.history import Ended
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.predictions import Predictions

_NO_STREAM = (
    "This model does not support streaming responses. Add @cog.streaming to predict() to enable SSE.",
    "Training endpoints do not support streaming responses.",
)


class Predict:
    """Creates predictions or trainings.

    Args:
        predictions: Takes them on.
        training: It is about trainings.
        streaming: Server-sent events are allowed.
        body_limit: Bytes of a request.
    """

    def __init__(self, predictions: Predictions, *, training: bool, streaming: bool, body_limit: int) -> None:
        self._predictions = predictions
        self._training = training
        self._noun = "training" if training else "prediction"
        self._streaming = streaming
        self._body_limit = body_limit
        self._watches = Watches(predictions.cancel)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = dict(scope["headers"])
        identity: str | None = scope["path_params"].get("prediction_id")
        try:
            body = await read_body(receive, self._body_limit)
            request = parse(body, headers, identity, self._noun, scope["span"])
            streamed = b"text/event-stream" in headers.get(b"accept", b"")
            self._check_stream(allowed=self._streaming or not streamed)
            running = None if identity is None else self._predictions.find(identity, training=self._training)
            if running is not None:
                await self._join(running, receive, send, streamed=streamed)
                return
            ended = None if identity is None else self._predictions.history.find(identity, training=self._training)
            if ended is not None and ended.status == "succeeded":
                await self._repeat(ended, send, streamed=streamed)
                return
            prediction = self._predictions.begin(request, training=self._training)
        except Answer as answer:
            await send_json(send, answer.status, answer.body, *answer.headers)
            return
        if streamed:
            await self._stream(prediction, receive, send, first=True)
        elif headers.get(b"prefer") == b"respond-async":
            await send_json(send, 202, self._accepted(prediction))
        else:
            await self._respond(prediction, receive, send)

    def _check_stream(self, *, allowed: bool) -> None:
        if not allowed:
            raise Answer(406, dumps({"error": _NO_STREAM[self._training]}))

    def _accepted(self, prediction: Prediction) -> bytes:
        position = self._predictions.position(prediction)
        found: dict[str, Any] = {"id": prediction.id, "status": "starting"}
        return dumps(found if position is None else {**found, "queue_position": position})

    @staticmethod
    async def _repeat(ended: Ended, send: Send, *, streamed: bool) -> None:
        """Answer a ``PUT`` that came twice: nothing is done twice that has succeeded."""
        if streamed:
            await send_body(send, 200, b"event: completed\ndata: " + ended.body + b"\n\n", list(EVENT_STREAM))
        else:
            await send_json(send, 200, ended.body)

    async def _join(self, running: Prediction, receive: Receive, send: Send, *, streamed: bool) -> None:
        if streamed:
            await self._stream(running, receive, send, first=False)
        else:
            await send_json(send, 202, running.snapshot(with_input=True))

    async def _respond(self, prediction: Prediction, receive: Receive, send: Send) -> None:
        watch = self._watches.add(prediction, receive)
        try:
            await prediction.wait()
        finally:
            self._watches.remove(watch)
        if not watch.gone:
            await send_json(send, 200, prediction.snapshot())

    async def _stream(self, prediction: Prediction, receive: Receive, send: Send, *, first: bool) -> None:
        stream = self._predictions.stream(prediction)
        if stream is None:
            raise Answer(406, dumps({"error": _NO_STREAM[prediction.training]}))
        stream.needs_readers |= first
        finished = await send_events(stream, receive, send, first=first)
        if stream.needs_readers and not finished and not stream.readers and not prediction.is_over:
            self._predictions.cancel(prediction)


class Cancel:
    """``POST /predictions/{id}/cancel``: of a prediction and a training that share an id the one that the path names.

    Args:
        predictions: Knows what is in flight.
    """

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del receive
        identity = scope["path_params"]["prediction_id"]
        named = self._predictions.find(identity, training=scope["path"].startswith("/trainings/"))
        prediction = named or self._predictions.find(identity)
        if prediction is None:
            await send_json(send, 404, b"{}")
            return
        self._predictions.cancel(prediction)
        await send_json(send, 200, b"{}")


async def refuse(send: Send, problem: str) -> None:
    """Answer that something of ours is broken."""
    await send_json(send, 500, error(problem))
