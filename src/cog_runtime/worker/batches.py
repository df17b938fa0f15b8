"""Calls that the model answers together: each keeps its own inputs, answer, error and cancel."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Callable, Sequence

from cog._scope import Scope
from cog.exceptions import CancelationException
from cog_runtime.worker import stdio
from cog_runtime.worker.calls import format_traceback, print_traceback, send_last

if TYPE_CHECKING:
    from cog_runtime.wire import Frame
    from cog_runtime.worker.calls import Call
    from cog_runtime.worker.loading import Model


class Batch:
    """One call of a batched method.

    Args:
        calls: In the order in which they came.
        model: What answers them.
        send: Sends a frame to the server, from any thread.

    Attributes:
        calls: All of them, also those that are over.
        speaker: Sends what the method prints to each call that is not over.
    """

    def __init__(self, calls: Sequence[Call], model: Model, send: Callable[[Frame], None]) -> None:
        self.calls = tuple(calls)
        self._model = model
        self._send = send
        self._alive = {call.number: call for call in calls}
        self._values: dict[int, dict[str, Any]] = {}
        self._asked: list[Call] = []
        self._answers: dict[int, Frame] = {}
        self._lock = Lock()
        self.speaker = stdio.Speaker(self._say)

    def prepare(self, call: Call) -> None:
        """Get the inputs of one call, or answer it if they cannot be had."""
        try:
            self._values[call.number] = call.arguments(self._model.converters)
        except CancelationException:
            raise
        except BaseException as error:  # noqa: BLE001 - this call fails, and no other
            self._end(call, call.failed(error))

    def arguments(self) -> dict[str, list[Any]]:
        """Return what the model is called with: lists with one value for each call that is not over, or nothing."""
        with self._lock:
            self._asked = [call for call in self.calls if call.number in self._alive and call.number in self._values]
        values = [self._values[call.number] for call in self._asked]
        names = dict.fromkeys([*self._model.defaults, *(name for each in values for name in each)])
        defaults = self._model.defaults
        return {name: [each.get(name, defaults.get(name)) for each in values] for name in names} if values else {}

    @property
    def is_empty(self) -> bool:
        """Whether no call needs the model."""
        return not self._asked

    @property
    def scope(self) -> Scope:
        """What the method sees as current scope."""
        scopes = [call.scope for call in self._asked]
        contexts = [scope.context for scope in scopes]
        shared = {
            key: value for key, value in contexts[0].items() if all(each.get(key) == value for each in contexts)
        }

        def record(name: str, mode: str, value: Any) -> None:
            for scope in scopes:
                scope.metrics.record(name, value, mode)

        return Scope(shared, record, scopes)

    def _say(self, source: str, text: str) -> None:
        for call in tuple(self._alive.values()):
            call.say(source, text)

    def take(self, output: Any) -> None:
        """Take what the method returned as answers, one for each call.

        Raises:
            TypeError: It is no list.
            ValueError: It is a list of another length.
        """
        for call, item in zip(self._asked, _items(output, len(self._asked))):
            self._answers[call.number] = _answer(call, item)

    def fail(self, error: BaseException) -> None:
        """Let every call fail with what the method raised."""
        print_traceback(error)
        for call in self.calls:
            self._answers[call.number] = call.failure(error)

    def cancel(self, number: int) -> bool:
        """End one call and let the method go on for the others.

        Returns:
            Whether that is all; False when no other is left, and the method has to be interrupted.
        """
        self.speaker.flush()
        with self._lock:
            call = self._alive.get(number)
            if call is None:
                return True
            if len(self._alive) == 1:
                return False
            del self._alive[number]
        stdio.flush()
        self._send(call.canceled())
        return True

    def finish(self) -> None:
        """Answer every call that is not over; one without an answer was cancelled."""
        stdio.flush()
        for call in self.calls:
            call.close()
        with self._lock:
            alive, self._alive = self._alive, {}
        for number, call in alive.items():
            send_last(self._send, self._answers.get(number) or call.canceled())

    def _end(self, call: Call, answer: Frame) -> None:
        with self._lock:
            if self._alive.pop(call.number, None) is None:
                return
        stdio.flush()
        call.close()
        self._send(answer)


def _answer(call: Call, item: Any) -> Frame:
    try:
        if not isinstance(item, BaseException):
            return call.succeeded(item)
        error = item
    except CancelationException:
        raise
    except BaseException as problem:  # noqa: BLE001 - this answer has no JSON form; others may have
        error = problem
    call.say("stderr", format_traceback(error))
    return call.failure(error)


def _items(output: Any, count: int) -> list[Any]:
    is_array = hasattr(output, "tolist") and getattr(output, "ndim", 0) > 0
    if not isinstance(output, (list, tuple)) and not is_array:
        raise TypeError(f"a batched method returns a list with an item for each request, not {type(output).__name__}")
    items = list(output)
    if len(items) != count:
        raise ValueError(f"a batched method returns an item for each request, not {len(items)} for {count}")
    return items
