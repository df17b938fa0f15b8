"""All predictions that are in flight, and the rules for taking on another one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cog_runtime.server.inputs import pack_inputs
from cog_runtime.server.outputs import Upload, items_of, needs_upload, to_json, to_json_uploaded
from cog_runtime.server.prediction import Observer, Prediction, as_array
from cog_runtime.server.request import problem
from cog_runtime.server.responses import Answer, detail, error
from cog_runtime.server.stream import Stream
from cog_runtime.server.validation import Invalid, Validator, compile_input
from cog_runtime.server.worker import DEAD, READY, Worker
from cog_runtime.wire import Frame

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.request import Request
    from cog_runtime.server.schema import Schema
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.webhooks import Webhooks

_NOT_READY = "Setup has not finished yet. Wait until it has finished, or GET /health-check for status."
_FULL = "At capacity - all prediction slots busy"


class Predictions:
    """Takes requests on, follows what the worker says about them, and forgets them when they are over.

    Args:
        worker: Runs them.
        schema: What their inputs are checked against.
        settings: Limits, and where files go.
        log: Told when one begins and ends.
        webhooks: Makes the webhooks.
        upload: Uploads files; None leaves them in the response.
    """

    def __init__(
        self,
        worker: Worker,
        schema: Schema,
        settings: Settings,
        *,
        log: Log,
        webhooks: Webhooks,
        upload: Upload | None,
    ) -> None:
        self._worker = worker
        self._schema = schema
        self._settings = settings
        self._log = log
        self._webhooks = webhooks
        self._upload = upload
        self._validators = {
            training: compile_input(schema.components, "TrainingInput" if training else "Input")
            for training in (False, True)
        }
        self._by_id: dict[str, Prediction] = {}
        self._streams: dict[int, Stream] = {}
        self._chains: dict[int, asyncio.Task[None]] = {}
        self._last_number = 0
        self._idle = asyncio.Event()
        self._idle.set()
        worker.on_output = self._on_output
        worker.on_done = self._on_done

    def find(self, identity: str) -> Prediction | None:
        """Return the prediction or training of this id, while it is in flight."""
        return self._by_id.get(identity)

    def stream(self, prediction: Prediction) -> Stream | None:
        """Return its events, where the model allows to stream them."""
        return self._streams.get(prediction.number)

    def begin(self, request: Request, *, training: bool) -> Prediction:
        """Take a request on.

        Raises:
            Answer: The worker is not ready (503), the inputs are wrong (422), or it has no room (409).
        """
        worker = self._worker
        if worker.state != READY:
            raise Answer(503, error("The worker has crashed" if worker.state == DEAD else _NOT_READY))
        validator = self._validators[training]
        inputs = self._validated(request, validator)
        if worker.running >= worker.slots:
            raise Answer(409, error(_FULL))
        if request.id in self._by_id:
            raise Answer(409, error(f"A prediction with the ID {request.id} is running already"))
        self._last_number += 1
        number = self._last_number
        observers = self._observers(request, number, training=training)
        prediction = Prediction(
            number, request, inputs, training=training, log_limit=self._settings.log_limit, observers=observers
        )
        header: dict[str, Any] = {"type": "predict", "call": number}
        if request.context:
            header["context"] = request.context
        if training:
            header["train"] = True
        payload, parts = pack_inputs(inputs, validator.files if validator else frozenset())
        self._by_id[request.id] = prediction
        self._idle.clear()
        self._log.info(f"Starting {_noun(prediction)}", prediction_id=request.id)
        worker.predict(prediction, Frame(header, payload, parts))
        prediction.start()
        return prediction

    def cancel(self, prediction: Prediction) -> None:
        """Ask for its end."""
        if not prediction.cancelling:
            prediction.cancelling = True
            self._log.info(f"Cancelling {_noun(prediction)}", prediction_id=prediction.id)
            self._worker.cancel(prediction.number)

    async def wait_until_idle(self) -> None:
        """Wait until none is in flight."""
        await self._idle.wait()

    def _validated(self, request: Request, validator: Validator | None) -> dict[str, Any]:
        if validator is None:
            if not isinstance(request.input, dict):
                raise Answer(422, detail([problem(("body", "input", "__root__"), "an object is expected")]))
            return request.input
        try:
            inputs, unknown = validator(request.input)
        except Invalid as wrong:
            raise Answer(422, detail([_problem(each) for each in wrong.mistakes])) from None
        if unknown:
            self._log.warning("Unknown inputs were dropped", prediction_id=request.id, names=unknown)
        return inputs

    def _observers(self, request: Request, number: int, *, training: bool) -> tuple[Observer, ...]:
        observers: tuple[Observer, ...] = ()
        if self._schema.streaming and not training:
            self._streams[number] = stream = Stream(self._settings.stream_history)
            observers += (stream,)
        if request.webhook is not None:
            observers += (self._webhooks.observer(request),)
        return observers

    def _on_output(self, prediction: Prediction, frame: Frame) -> None:
        if prediction.is_over:
            return
        if self._waits(prediction, frame):
            self._chain(prediction, frame, self._add_output)
        else:
            prediction.add_output(to_json(frame))

    def _on_done(self, prediction: Prediction, frame: Frame) -> None:
        if self._waits(prediction, frame):
            self._chain(prediction, frame, self._finish)
        else:
            self._finish(prediction, frame, to_json(frame))

    @staticmethod
    def _add_output(prediction: Prediction, frame: Frame, output: bytes) -> None:
        del frame
        prediction.add_output(output)

    def _waits(self, prediction: Prediction, frame: Frame) -> bool:
        return prediction.number in self._chains or needs_upload(frame, self._settings)

    def _chain(self, prediction: Prediction, frame: Frame, then: Any) -> None:
        """Upload at once, but act in the order of the frames."""
        ready = asyncio.ensure_future(self._uploaded(frame))
        before = self._chains.get(prediction.number)
        task = asyncio.ensure_future(self._after(before, ready, prediction, frame, then))
        self._chains[prediction.number] = task

    async def _uploaded(self, frame: Frame) -> bytes | OSError:
        if self._upload is None or not frame.parts:
            return to_json(frame)
        try:
            return await to_json_uploaded(frame, self._upload)
        except OSError as problem:
            return problem

    async def _after(
        self,
        before: asyncio.Task[None] | None,
        ready: asyncio.Task[bytes | OSError],
        prediction: Prediction,
        frame: Frame,
        then: Any,
    ) -> None:
        if before is not None:
            await before
        output = await ready
        if isinstance(output, OSError):
            self._end(prediction, "failed", None, str(output))
            if frame.header["type"] != "done":
                self.cancel(prediction)
        else:
            then(prediction, frame, output)

    def _finish(self, prediction: Prediction, frame: Frame, output: bytes) -> None:
        header = frame.header
        status = header["status"]
        if status == "succeeded":
            self._end(prediction, status, self._whole(prediction, header, output), None)
        elif status == "failed":
            reason = header["error"]
            text = reason if header.get("input") else f"{_noun(prediction).capitalize()} failed: {reason}"
            self._end(prediction, status, None, text)
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
        if self._by_id.get(prediction.id) is prediction:
            del self._by_id[prediction.id]
        self._streams.pop(prediction.number, None)
        self._chains.pop(prediction.number, None)
        if not self._by_id:
            self._idle.set()
        if prediction.is_over:
            return
        prediction.finish(status, output=output, error=problem)
        fields: dict[str, Any] = {"prediction_id": prediction.id, "predict_time": prediction.predict_time}
        if problem is not None:
            fields["error"] = problem
        self._log.info(f"{_noun(prediction).capitalize()} {status}", **fields)


def _noun(prediction: Prediction) -> str:
    return "training" if prediction.training else "prediction"


def _problem(mistake: Any) -> dict[str, Any]:
    kind = "value_error.missing" if mistake.missing else "value_error"
    return problem(("body", "input", mistake.where), mistake.message, kind)
