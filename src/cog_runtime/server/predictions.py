"""All predictions that are in flight, and the rules for taking on another one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from cog_runtime.server.chains import Chains
from cog_runtime.server.figures import Figures
from cog_runtime.server.history import Ended, History
from cog_runtime.server.inputs import pack_inputs
from cog_runtime.server.outputs import Upload, items_of, to_json
from cog_runtime.server.prediction import Observer, Prediction, as_array
from cog_runtime.server.request import problem
from cog_runtime.server.responses import Answer, detail, error
from cog_runtime.server.stream import Stream
from cog_runtime.server.together import together
from cog_runtime.server.validation import Invalid, Validator, compile_input
from cog_runtime.server.worker import DEAD, READY, Worker
from cog_runtime.wire import MARSHAL, Frame

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.request import Request
    from cog_runtime.server.schema import Schema
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.tracing import Span
    from cog_runtime.server.webhooks import Webhooks
    from cog_runtime.server.workers import Workers

_NOT_READY = "Setup has not finished yet. Wait until it has finished, or GET /health-check for status."
_FULL = "At capacity - all prediction slots busy"
_QUEUE_FULL = "At capacity - the queue is full"
_DEAD = "The worker has crashed"
_STOPPING = "The server is shutting down"
_LAST_CHANCE = 5.0
"""Seconds that a model has to react to a cancel because of its time limit, before its worker is replaced."""
_TOO_LONG = "it ran longer than {:g} s"
_NOT_IN_TIME = "replaced because a prediction did not end in time"
_TOO_DEEP = "it is nested too deeply"
_NO_FILES: frozenset[str] = frozenset()


class Predictions:
    """Takes requests on, follows what the workers say about them, and remembers how they ended.

    Args:
        workers: Run them.
        schema: What their inputs are checked against.
        settings: Limits, and where files go.
        log: Told when one begins and ends.
        webhooks: Makes the webhooks.
        upload: Uploads files; None leaves them in the response.

    Attributes:
        figures: What ``/metrics`` tells.
        history: Those that are over.
        stopping: No more are taken on.
    """

    def __init__(
        self,
        workers: Workers,
        schema: Schema,
        settings: Settings,
        *,
        log: Log,
        webhooks: Webhooks,
        upload: Upload | None,
    ) -> None:
        self.figures = Figures()
        self.history = History(settings.history, settings.history_size)
        self.stopping = False
        self._workers = workers
        self._schema = schema
        self._settings = settings
        self._log = log
        self._webhooks = webhooks
        self._chains = Chains(settings, upload, self._on_failed_upload)
        self._validators = {
            training: compile_input(schema.components, "TrainingInput" if training else "Input")
            for training in (False, True)
        }
        self._by_id: dict[tuple[bool, str], Prediction] = {}
        self._streams: dict[int, Stream] = {}
        self._waiting: deque[Prediction] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last_number = 0
        self._idle = asyncio.Event()
        self._idle.set()
        workers.on_output = self._on_output
        workers.on_done = self._on_done
        workers.on_change = self._on_change

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    @property
    def in_flight(self) -> tuple[Prediction, ...]:
        """Those that run or wait, the oldest first."""
        return tuple(self._by_id.values())

    def find(self, identity: str, *, training: bool | None = None) -> Prediction | None:
        """Return the prediction or training of this id, while it is in flight.

        Args:
            identity: Its id.
            training: Which of the two; None takes either.
        """
        if training is not None:
            return self._by_id.get((training, identity))
        return self._by_id.get((False, identity)) or self._by_id.get((True, identity))

    def position(self, prediction: Prediction) -> int | None:
        """Return its place among those that wait, from 1; None when it does not wait."""
        return None if prediction.frame is None else self._waiting.index(prediction) + 1

    def stream(self, prediction: Prediction) -> Stream | None:
        """Return its events, where the model allows to stream them."""
        return self._streams.get(prediction.number)

    def begin(self, request: Request, *, training: bool) -> Prediction:
        """Take a request on.

        Raises:
            Answer: There is no worker (503), the inputs are wrong (422), or there is no room (409, 429).
        """
        try:
            return self._begin(request, training=training)
        except Answer as answer:
            self.figures.refused(answer.status)
            raise

    def _begin(self, request: Request, *, training: bool) -> Prediction:
        self._check_state()
        validator = self._validators[training]
        inputs = self._validated(request, validator)
        batch = None if training else self._workers.batch
        worker = None if self._waiting or batch is not None else self._workers.free()
        if worker is None:
            self._check_room()
        key = (training, request.id)
        if key in self._by_id:
            raise Answer(409, error(f"A prediction with the ID {request.id} is running already"))
        try:
            files = validator.files if validator else _NO_FILES
            packed = pack_inputs(inputs, files, marshals=self._workers.marshal)
        except (ValueError, RecursionError):
            raise Answer(422, detail([problem(("body", "input"), _TOO_DEEP)])) from None
        self._last_number += 1
        number = self._last_number
        prediction = Prediction(
            number,
            request,
            validator.shown(inputs) if validator is not None and validator.secrets else inputs,
            training=training,
            log_limit=self._settings.log_limit,
            observers=self._observers(request, number, training=training),
        )
        header: dict[str, Any] = {"type": "predict", "call": number}
        if request.context:
            header["context"] = request.context
        if training:
            header["train"] = True
        if request.span is not None:
            header["spans"] = True
        if packed.is_marshal:
            header["encoding"] = MARSHAL
        self._by_id[key] = prediction
        self._idle.clear()
        frame = Frame(header, packed.payload, packed.parts)
        if worker is not None:
            self._start(prediction, worker, frame)
        else:
            prediction.frame = frame
            self._waiting.append(prediction)
            if batch is None or self._workers.free() is None:
                self._log.info(f"Queued {_noun(prediction)}", **_names(request), position=len(self._waiting))
            else:
                self._on_change()
        return prediction

    def cancel(self, prediction: Prediction) -> None:
        """Ask for its end."""
        if prediction.cancelling:
            return
        prediction.cancelling = True
        self._log.info(f"Cancelling {_noun(prediction)}", **_names(prediction.request))
        if prediction.frame is not None:
            self._waiting.remove(prediction)
            prediction.frame = None
            self._end(prediction, "canceled", None, None)
        else:
            self._workers.cancel(prediction.number)

    async def wait_until_idle(self) -> None:
        """Wait until none is in flight."""
        await self._idle.wait()

    def _check_state(self) -> None:
        state = self._workers.state
        if self.stopping:
            raise Answer(503, error(_STOPPING))
        if state != READY and not self._workers.is_coming_back:
            raise Answer(503, error(_DEAD if state == DEAD else _NOT_READY))

    def _check_room(self) -> None:
        """Look for a place among those that wait.

        While a worker is started again there is one for each slot, and one batch may always gather.
        """
        limit = self._settings.queue
        if self._workers.batch is not None:
            limit = max(limit, self._workers.batch.size)
        if self._workers.is_coming_back:
            limit = max(limit, self._workers.slots)
        if len(self._waiting) < limit:
            return
        if self._settings.queue:
            raise Answer(429, error(_QUEUE_FULL), (b"retry-after", b"%d" % self._patience()))
        raise Answer(409, error(_FULL))

    def _patience(self) -> int:
        """Return after how many seconds it is worth to ask again: until one of those that wait has begun."""
        return max(1, min(60, round(self.figures.mean_time / max(1, self._workers.slots))))

    def _start(self, prediction: Prediction, worker: Worker, frame: Frame) -> None:
        worker.predict(prediction, frame)
        prediction.start()
        self._log.info(f"Starting {_noun(prediction)}", **_names(prediction.request))
        usual = None if prediction.training else self._settings.timeout
        limit = prediction.request.timeout or usual
        if limit is not None:
            limit = min(limit, usual or limit)
            prediction.timer = asyncio.get_running_loop().call_later(limit, self._expire, prediction, limit)

    def _on_change(self) -> None:
        """Start those that wait where there is room, and fail them when there never will be again."""
        while self._waiting and (worker := self._workers.free()) is not None:
            group = together(self._waiting, worker.batch)
            if not group.size:
                self._look_again(group.later)
                return
            members = [self._waiting.popleft() for _ in range(group.size)]
            for prediction in members:
                frame, prediction.frame = prediction.frame, None
                prediction.waited()
                if frame is not None:
                    if prediction is not members[-1]:
                        frame.header["more"] = True
                    self._start(prediction, worker, frame)
            if group.size > 1:
                worker.share({prediction.number for prediction in members})
        if self._waiting and self._workers.state != READY and not self._workers.is_coming_back:
            for prediction in tuple(self._waiting):
                prediction.frame = None
                self._end(prediction, "failed", None, _DEAD)
            self._waiting.clear()

    def _look_again(self, later: float) -> None:
        """Begin what has gathered when the first of it has waited long enough."""

        def look() -> None:
            self._timer = None
            self._on_change()

        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(later, look)

    def _expire(self, prediction: Prediction, limit: float) -> None:
        prediction.expired = _TOO_LONG.format(limit)
        self.cancel(prediction)
        prediction.timer = asyncio.get_running_loop().call_later(
            _LAST_CHANCE, self._workers.replace, prediction.number, _NOT_IN_TIME
        )

    def _validated(self, request: Request, validator: Validator | None) -> dict[str, Any]:
        if validator is None:
            if not isinstance(request.input, dict):
                raise Answer(422, detail([problem(("body", "input", "__root__"), "an object is expected")]))
            return request.input
        try:
            inputs, unknown = validator(request.input)
        except Invalid as wrong:
            raise Answer(422, detail([_problem(each) for each in wrong.mistakes])) from None
        except RecursionError:
            raise Answer(422, detail([problem(("body", "input"), _TOO_DEEP)])) from None
        if unknown:
            self._log.warning("Unknown inputs were dropped", **_names(request), names=unknown)
        return inputs

    def _observers(self, request: Request, number: int, *, training: bool) -> tuple[Observer, ...]:
        observers: tuple[Observer, ...] = ()
        if request.span is not None:
            observers += (_traced(request.span),)
        if self._schema.streaming and not training:
            self._streams[number] = stream = Stream(self._settings.stream_history)
            observers += (stream,)
        if request.webhook is not None:
            observers += (self._webhooks.observer(request),)
        return observers

    def _on_output(self, prediction: Prediction, frame: Frame) -> None:
        if self._chains.waits(prediction, frame):
            self._chains.add(prediction, frame, _add_output)
        else:
            prediction.add_output(to_json(frame))

    def _on_done(self, prediction: Prediction, frame: Frame) -> None:
        if self._chains.waits(prediction, frame):
            self._chains.add(prediction, frame, self._finish)
        else:
            self._finish(prediction, frame, to_json(frame))
        if self._waiting:
            self._on_change()

    def _on_failed_upload(self, prediction: Prediction, frame: Frame, reason: str) -> None:
        self._end(prediction, "failed", None, reason)
        if frame.header["type"] != "done":
            self.cancel(prediction)

    def _finish(self, prediction: Prediction, frame: Frame, output: bytes) -> None:
        header = frame.header
        status = header["status"]
        if status == "succeeded" and not prediction.expired:
            self._end(prediction, status, self._whole(prediction, header, output), None)
        elif status == "failed" or prediction.expired:
            # A model that swallows the exception of its deadline may call itself done: it was not in time.
            reason = prediction.expired or header["error"]
            text = reason if header.get("input") else f"{_noun(prediction).capitalize()} failed: {reason}"
            self._end(prediction, "failed", None, text)
        else:
            self._end(prediction, "canceled", None, None)

    def _whole(self, prediction: Prediction, header: dict[str, Any], output: bytes) -> bytes:
        if header.get("streamed"):
            return as_array(prediction.chunks)
        many = header.get("many", False)
        if prediction.observers and output != b"null":
            for chunk in items_of(output) if many else [output]:
                prediction.add_output(chunk)
        if self._schema.array and not many and output != b"null" and not prediction.training:
            return as_array([output])
        return output

    def _end(self, prediction: Prediction, status: str, output: bytes | None, problem: str | None) -> None:
        key = (prediction.training, prediction.id)
        if self._by_id.get(key) is prediction:
            del self._by_id[key]
        self._streams.pop(prediction.number, None)
        self._chains.forget(prediction)
        if not self._by_id:
            self._idle.set()
        if prediction.is_over:
            return
        if prediction.timer is not None:
            prediction.timer.cancel()
        prediction.finish(status, output=output, error=problem)
        self.history.add(prediction.id, Ended(status, prediction.snapshot(), prediction.training))
        self.figures.ended(prediction)
        seconds = round(prediction.predict_time or 0.0, 6)
        fields: dict[str, Any] = {**_names(prediction.request), "predict_time": seconds}
        if problem is not None:
            fields["error"] = problem
        self._log.info(f"{_noun(prediction).capitalize()} {status}", **fields)


def _add_output(prediction: Prediction, frame: Frame, output: bytes) -> None:
    del frame
    prediction.add_output(output)


def _traced(span: Span) -> Observer:
    from cog_runtime.server.tracing import Traced  # noqa: PLC0415 - few want traces

    return Traced(span)


def _names(request: Request) -> dict[str, Any]:
    """Return what a line about a prediction is found by."""
    return {"prediction_id": request.id, "request_id": request.request_id}


def _noun(prediction: Prediction) -> str:
    return "training" if prediction.training else "prediction"


def _problem(mistake: Any) -> dict[str, Any]:
    kind = "value_error.missing" if mistake.missing else "value_error"
    return problem(("body", "input", mistake.where), mistake.message, kind)
