"""Batches one after the other, in the main thread."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from cog._scope import enter_scope
from cog.exceptions import CancelationException
from cog_runtime.worker.batches import Batch
from cog_runtime.worker.blocking import BlockingLoop
from cog_runtime.worker.calls import Call

if TYPE_CHECKING:
    from typing import Any

    from cog_runtime.wire import Frame


class BlockingBatches(BlockingLoop):
    """Runs a batched model whose method blocks; its trainings run as those of any other."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = Lock()
        self._batch: tuple[int, frozenset[int], Batch] | None = None
        self._early: set[int] = set()

    def cancel(self, number: int) -> None:
        """End a call: it alone, or the method when it is the last of its batch; from another thread."""
        with self._lock:
            running = self._batch
            if running is None or number not in running[1]:
                # It has not come yet, or is over, or is a training.
                self._early.add(number)
                running = None
        if running is None:
            self._canceller.cancel(number)
        elif not running[2].cancel(number):
            self._canceller.cancel(running[0])

    def _take(self, frame: Frame) -> None:
        if frame.header.get("train"):
            super()._take(frame)
            return
        frames = [frame]
        while frames[-1].header.get("more"):
            following = self._channel.receive()
            if following is None:
                raise ConnectionResetError
            if following.header["type"] == "predict":
                frames.append(following)
        self._run_batch([Call(each, self._send) for each in frames])

    def _run_batch(self, calls: list[Call]) -> None:
        batch = Batch(calls, self._model_for(calls[0]), self._send)
        numbers = frozenset(call.number for call in calls)
        # No call has a number below 0: cancelling the first one is not cancelling all.
        name = -max(numbers)
        with self._lock:
            self._batch = (name, numbers, batch)
            early = self._early & numbers
            self._early = {number for number in self._early if number > max(numbers)}
        for number in early:
            self.cancel(number)
        try:
            self._canceller.run(name, lambda: self._call_batch(batch))
        except CancelationException:
            pass
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            batch.fail(error)
        if os.getpid() != self._pid:
            os._exit(0)
        enter_scope(None)
        with self._lock:
            self._batch = None
        batch.finish()

    def _call_batch(self, batch: Batch) -> None:
        for call in batch.calls:
            batch.prepare(call)
        inputs = batch.arguments()
        if batch.is_empty:
            return
        enter_scope(batch.scope)
        model = self._model_for(batch.calls[0])
        output = model.call(**inputs)
        if hasattr(output, "__await__"):
            output = _waited_for(output)
        batch.take(output)


def _waited_for(awaitable: Any) -> Any:
    import asyncio  # noqa: PLC0415 - for methods that only turn out to be async

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())
