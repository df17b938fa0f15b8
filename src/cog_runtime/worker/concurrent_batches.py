"""Batches at the same time, as tasks of one event loop: of async methods, or of those that block in threads."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from cog._scope import enter_scope
from cog.exceptions import CancelationException
from cog_runtime.worker import stdio
from cog_runtime.worker.batches import Batch
from cog_runtime.worker.calls import Call
from cog_runtime.worker.concurrent import ConcurrentLoop

if TYPE_CHECKING:
    from cog_runtime.wire import Frame


class ConcurrentBatches(ConcurrentLoop):
    """Runs a batched model; its trainings run as those of any other."""

    def __init__(self, *arguments: Any, separate: bool) -> None:
        super().__init__(*arguments, separate=separate)
        self._gathered: list[Call] = []
        self._batches: dict[int, tuple[Batch, asyncio.Task[None]]] = {}

    def _cancel(self, call: int) -> None:
        if call not in self._batches:
            super()._cancel(call)
            return
        batch, task = self._batches[call]
        if not batch.cancel(call):
            self._cancelled.add(call)
            self._stop(task)

    def _begin(self, frame: Frame) -> None:
        if frame.header["type"] != "predict" or frame.header.get("train"):
            super()._begin(frame)
            return
        self._gathered.append(Call(frame, self._send))
        if frame.header.get("more"):
            return
        calls, self._gathered = self._gathered, []
        batch = Batch(calls, self._model_for(calls[0]), self._send)
        task = self._loop.create_task(self._answer_batch(batch))
        self._tasks[calls[0].number] = task
        for call in calls:
            self._batches[call.number] = (batch, task)
        for call in calls:
            if call.number in self._cancelled:
                self._cancel(call.number)

    async def _answer_batch(self, batch: Batch) -> None:
        numbers = {call.number for call in batch.calls}
        try:
            await self._call_batch(batch)
        except (asyncio.CancelledError, CancelationException) as error:
            if not numbers & self._cancelled:
                batch.fail(error)
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            batch.fail(error)
        if os.getpid() != self._pid:
            os._exit(0)
        del self._tasks[batch.calls[0].number]
        for number in numbers:
            del self._batches[number]
        self._cancelled -= numbers
        batch.finish()

    async def _call_batch(self, batch: Batch) -> None:
        model = self._model_for(batch.calls[0])
        if model.converters:
            # Files are written and downloaded beside the loop, those of all calls at once.
            waiting = [self._loop.run_in_executor(self._files, batch.prepare, call) for call in batch.calls]
            await asyncio.gather(*waiting)
        else:
            for call in batch.calls:
                batch.prepare(call)
        inputs = batch.arguments()
        if batch.is_empty:
            return
        enter_scope(batch.scope)
        if self._separate:
            stdio.speaker.set(batch.speaker)
        if model.is_async:
            batch.take(await _waited_for(model.call(**inputs)))
            return

        def work() -> Any:
            try:
                output = model.call(**inputs)
            except StopIteration as error:
                return batch.fail(error)  # no coroutine can raise this one
            return output if hasattr(output, "__await__") else batch.take(output)

        numbers = {call.number for call in batch.calls}
        output = await self._beside(work, lambda: bool(numbers & self._cancelled))
        if output is not None:
            batch.take(await output)


async def _waited_for(output: Any) -> Any:
    return await output if hasattr(output, "__await__") else output
