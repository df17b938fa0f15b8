"""One prediction or training, from its slot to its end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Callable, Protocol

from cog_runtime.server.codec import dumps
from cog_runtime.server.metrics import Metrics, apply

if TYPE_CHECKING:
    from cog_runtime.server.request import Request
    from cog_runtime.server.tracing import Span
    from cog_runtime.wire import Frame

_CUT = b"\n[the logs of this prediction are cut off here: they reached the limit]\n"


class Observer(Protocol):
    """Hears what happens to a prediction, in order."""

    def started(self, prediction: Prediction) -> None:
        """It got its slot."""
        ...

    def logged(self, prediction: Prediction, source: str, text: str) -> None:
        """It printed something."""
        ...

    def output(self, prediction: Prediction, chunk: bytes) -> None:
        """It made an output; the chunk is JSON."""
        ...

    def metric(self, prediction: Prediction, name: str, mode: str, value: Any) -> None:
        """It recorded a metric."""
        ...

    def completed(self, prediction: Prediction) -> None:
        """It is over, one way or another."""
        ...


class Prediction:
    """The state of one call.

    Outputs stay the JSON texts that the worker sent: nothing is decoded only to be encoded again. What the worker
    says after the end, such as when a file could not be uploaded, is no part of it.

    Args:
        number: What the worker calls it.
        request: What was asked.
        inputs: The inputs as clients see them.
        training: It is a training.
        log_limit: Bytes of logs that are kept.
        observers: Who hears about it.

    Attributes:
        frame: What the worker is to get; None once it has it.
        queue_time: Seconds that it waited for a slot; None unless it had to wait.
        span: Its part of a trace, while it is in the model; None when it is not traced.
        timer: Ends it when it takes too long.
        expired: That it took too long, in words; None while it has not.
    """

    __slots__ = (
        "_asked",
        "_log_limit",
        "_log_size",
        "_logs",
        "_started",
        "_waiting",
        "_whole",
        "cancelling",
        "chunks",
        "error",
        "expired",
        "frame",
        "id",
        "input",
        "metrics",
        "number",
        "observers",
        "output",
        "predict_time",
        "queue_time",
        "request",
        "span",
        "status",
        "timer",
        "training",
    )

    def __init__(
        self,
        number: int,
        request: Request,
        inputs: Any,
        *,
        training: bool,
        log_limit: int,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self.number = number
        self.id = request.id
        self.request = request
        self.input = inputs
        self.training = training
        self.observers = observers
        self.status = "starting"
        self.error: str | None = None
        self.metrics: Metrics = {}
        self.chunks: list[bytes] = []
        self.output: bytes | None = None
        self.predict_time: float | None = None
        self.cancelling = False
        self.expired: str | None = None
        self.frame: Frame | None = None
        self.queue_time: float | None = None
        self.span: Span | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._logs: list[bytes] = []
        self._log_size = 0
        self._log_limit = log_limit
        self._asked = self._started = time.perf_counter()
        self._whole: bytes | None = None
        self._waiting: list[Callable[[Prediction], None]] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen."""
        return self.predict_time is not None

    @property
    def age(self) -> float:
        """Seconds since it was asked for."""
        return time.perf_counter() - self._asked

    @property
    def logs(self) -> str:
        """What it printed so far."""
        return b"".join(self._logs).decode("utf-8", "replace")

    def start(self) -> None:
        """Note that the worker has it."""
        self.status = "processing"
        self._started = time.perf_counter()
        for observer in self.observers:
            observer.started(self)

    def waited(self) -> None:
        """Note that it has waited for its slot until now."""
        self.queue_time = self.age

    def log(self, source: str, data: bytes) -> None:
        """Add what it printed."""
        room = self._log_limit - self._log_size
        if room < 0 or self.is_over:
            return
        self._log_size += len(data)
        self._logs.append(data if len(data) <= room else data[:room] + _CUT)
        if self.observers:
            text = data.decode("utf-8", "replace")
            for observer in self.observers:
                observer.logged(self, source, text)

    def add_output(self, chunk: bytes) -> None:
        """Add one item, as JSON."""
        if self.is_over:
            return
        self.chunks.append(chunk)
        for observer in self.observers:
            observer.output(self, chunk)

    def add_metric(self, name: str, mode: str, value: Any) -> None:
        """Add a metric."""
        if self.is_over:
            return
        apply(self.metrics, name, mode, value)
        for observer in self.observers:
            observer.metric(self, name, mode, value)

    def finish(self, status: str, *, output: bytes | None = None, error: str | None = None) -> None:
        """End it; a second end does nothing."""
        if self.is_over:
            return
        self.predict_time = time.perf_counter() - self._started
        self.status = status
        self.output = output
        self.error = error
        for observer in self.observers:
            observer.completed(self)
        waiting, self._waiting = self._waiting, []
        for act in waiting:
            act(self)

    def when_over(self, act: Callable[[Prediction], None]) -> None:
        """Call this at the end, or now if it is over."""
        if self.is_over:
            act(self)
        else:
            self._waiting.append(act)

    async def wait(self) -> None:
        """Wait for the end."""
        future = asyncio.get_running_loop().create_future()
        self.when_over(lambda _: None if future.done() else future.set_result(None))
        await future

    def snapshot(self, *, with_input: bool = False) -> bytes:
        """Return its state as the JSON object of responses and webhooks, keys sorted as upstream has them."""
        if self.predict_time is not None and not with_input:
            if self._whole is None:
                self._whole = self._snapshot(with_input=False)
            return self._whole
        return self._snapshot(with_input=with_input)

    def _snapshot(self, *, with_input: bool) -> bytes:
        pieces = [b"{"]
        if self.error is not None:
            pieces += (b'"error":', dumps(self.error), b",")
        pieces += (b'"id":', dumps(self.id))
        if with_input:
            pieces += (b',"input":', dumps(self.input))
        pieces += (b',"logs":', dumps(self.logs) if self._logs else b'""', b',"metrics":', self._metrics())
        output = self._output()
        if output is not None:
            pieces += (b',"output":', output)
        pieces += (b',"status":"', self.status.encode(), b'"}')
        return b"".join(pieces)

    def _metrics(self) -> bytes:
        if self.predict_time is None:
            return dumps(self.metrics)
        if not self.metrics and self.queue_time is None:
            return b'{"predict_time":%.9f}' % self.predict_time
        ours = {"predict_time": round(self.predict_time, 9)}
        if self.queue_time is not None:
            ours["queue_time"] = round(self.queue_time, 9)
        return dumps({**self.metrics, **ours})

    def _output(self) -> bytes | None:
        if self.status == "succeeded":
            return self.output
        # What was made before it failed or was cancelled is the client's, as it was while it ran.
        return as_array(self.chunks) if self.chunks else None


def as_array(chunks: list[bytes]) -> bytes:
    """Return JSON texts as one JSON array."""
    return b"[" + b",".join(chunks) + b"]"
