"""Calls one after the other, in the main thread: no event loop, no other thread, two system calls each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

from cog._scope import enter_scope
from cog.exceptions import CancelationException
from cog_runtime.worker import stdio
from cog_runtime.worker.calls import Call, is_stream, send_last

if TYPE_CHECKING:
    from cog_runtime.wire import Frame
    from cog_runtime.worker.cancelling import Canceller
    from cog_runtime.worker.channel import Channel
    from cog_runtime.worker.loading import Model


class BlockingLoop:
    """Runs a model whose method blocks.

    Args:
        channel: Where calls come from.
        canceller: Interrupts the call that runs.
        model_for: Returns what to call, for predictions and for trainings.
    """

    def __init__(self, channel: Channel, canceller: Canceller, model_for: Callable[[Call], Model]) -> None:
        self._channel = channel
        self._canceller = canceller
        self._model_for = model_for
        self._pid = os.getpid()

    def run(self) -> None:
        """Serve until the server closes the channel."""
        while True:
            frame = self._channel.receive()
            if frame is None:
                return
            if frame.header["type"] == "predict":
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        send_last(self._channel.send, self._answer(frame))

    def _answer(self, frame: Frame) -> Frame:
        call = Call(frame, self._send)
        try:
            answer = self._canceller.run(call.number, lambda: self._call(call))
        except CancelationException:
            answer = call.canceled()
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            answer = call.failed(error)
        if os.getpid() != self._pid:
            # The model forked and the child came back here: it must not answer in its parent's name.
            os._exit(0 if answer.header["status"] == "succeeded" else 1)
        enter_scope(None)
        stdio.flush()
        call.close()
        return answer

    def _call(self, call: Call) -> Frame:
        model = self._model_for(call)
        inputs = call.arguments(model.converters)
        enter_scope(call.scope)
        output = model.call(**inputs)
        if is_stream(output):
            for item in output:
                stdio.flush()
                call.output(item)
            return call.streamed()
        if model.is_async or hasattr(output, "__await__") or hasattr(output, "__anext__"):
            return self._drive(call, output)
        return call.succeeded(output)

    def _drive(self, call: Call, output: Any) -> Frame:
        """Run what an async method returned although the worker has no event loop, as for a training."""
        import asyncio  # noqa: PLC0415 - half of a small worker's start

        async def items() -> Frame:
            if not hasattr(output, "__anext__"):
                return call.succeeded(await output)
            async for item in output:
                stdio.flush()
                call.output(item)
            return call.streamed()

        return asyncio.run(items())

    def _send(self, frame: Frame) -> None:
        self._canceller.shielded(lambda: self._channel.send(frame))
