"""Calls at the same time, as tasks of one event loop: for models whose method is async, or blocks in threads."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from cog._scope import enter_scope
from cog.exceptions import CancelationException
from cog_runtime.wire import Frame, Splitter, pack
from cog_runtime.worker import stdio
from cog_runtime.worker.calls import Call, is_stream, send_last
from cog_runtime.worker.channel import dumps, loads
from cog_runtime.worker.crash import crash

if TYPE_CHECKING:
    import socket

    from cog_runtime.worker.aside import Begin
    from cog_runtime.worker.loading import Model

T = TypeVar("T")

_AT_ONCE = 1 << 18
"""Bytes of one read."""
_FILES_AT_ONCE = 1000
"""Calls whose files are written and downloaded; also of those that are cancelled, until their downloads notice."""


class ConcurrentLoop:
    """Runs a model, an async method in the loop and one that blocks beside it.

    Args:
        sock: Where calls come from.
        loop: The loop that ``setup`` ran on, if it was async.
        model_for: Returns what to call, for predictions and for trainings.
        beside: Finds the thread for a method that blocks.
        separate: Several calls may run: what they print is told apart by context.
    """

    def __init__(
        self,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        model_for: Callable[[Call], Model],
        beside: Begin,
        *,
        separate: bool,
    ) -> None:
        self._socket = sock
        self._loop = loop
        self._model_for = model_for
        self._find_thread = beside
        self._separate = separate
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._newest = -1
        self._wire: _Wire | None = None
        self._pid = os.getpid()
        self._files = ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="cog-files")

    def run(self) -> None:
        """Serve until the server closes the channel."""
        self._loop.run_until_complete(self._serve())

    def cancel(self, call: int) -> None:
        """Cancel a call; from any thread."""
        self._loop.call_soon_threadsafe(self._cancel, call)

    def _cancel(self, call: int) -> None:
        task = self._tasks.get(call)
        if task is not None:
            self._cancelled.add(call)
            self._stop(task)
        elif call > self._newest:
            # The request to end it was faster than the call itself; older ones are over.
            self._cancelled.add(call)

    def _stop(self, task: asyncio.Task[None]) -> None:
        """Cancel a task after its first step: one that is cancelled before never begins, and would never answer."""
        self._loop.call_soon(task.cancel)

    async def _serve(self) -> None:
        self._socket.settimeout(0)
        closed = self._loop.create_future()
        _, self._wire = await self._loop.create_connection(lambda: _Wire(self._begin, closed), sock=self._socket)
        await closed
        for task in tuple(self._tasks.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks.values()), timeout=1)

    def _begin(self, frame: Frame) -> None:
        if frame.header["type"] != "predict":
            return
        call = Call(frame, self._send)
        self._newest = call.number
        task = self._loop.create_task(self._answer(call))
        self._tasks[call.number] = task
        if call.number in self._cancelled:
            self._stop(task)

    async def _answer(self, call: Call) -> None:
        try:
            answer = await self._call(call)
        except CancelationException:
            answer = call.canceled()
        except asyncio.CancelledError as error:
            answer = call.canceled() if call.number in self._cancelled else call.failed(error)
        except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
            answer = call.failed(error)
        if os.getpid() != self._pid:
            os._exit(0 if answer.header["status"] == "succeeded" else 1)
        try:
            stdio.flush()
            call.close()
        finally:
            del self._tasks[call.number]
            self._cancelled.discard(call.number)
            send_last(self._send, answer)

    async def _call(self, call: Call) -> Frame:
        enter_scope(call.scope)
        if self._separate:
            stdio.speaker.set(stdio.Speaker(call.say))
        model = self._model_for(call)
        if model.converters:
            # Files are written and downloaded beside the loop.
            inputs = await self._loop.run_in_executor(self._files, call.arguments, model.converters)
        else:
            inputs = call.arguments(model.converters)
        if model.is_async:
            output = model.call(**inputs)
        else:
            output = await self._blocking(call, model, inputs)
            if isinstance(output, Frame):
                return output
        if hasattr(output, "__await__"):
            output = await output
        if hasattr(output, "__anext__"):
            async for item in output:
                await self._item(call, item)
            return call.streamed()
        if is_stream(output):
            for item in output:
                await self._item(call, item)
            return call.streamed()
        return call.succeeded(output)

    async def _blocking(self, call: Call, model: Model, inputs: dict[str, Any]) -> Any:
        """Run a method that blocks.

        Returns:
            The last frame, or what is to be waited for on the loop.
        """
        wire = self._wire

        def send(output: Any) -> Frame:
            try:
                for item in output:
                    stdio.flush()
                    call.output(item)
                    if wire is not None:
                        asyncio.run_coroutine_threadsafe(wire.room(), self._loop).result()
            except BaseException:
                _close(output)
                raise
            return call.streamed()

        def work() -> Any:
            try:
                output = model.call(**inputs)
                if is_stream(output):
                    return send(output)
            except StopIteration as error:
                return call.failed(error)  # no coroutine can raise this one
            is_waited_for = hasattr(output, "__await__") or hasattr(output, "__anext__")
            return output if is_waited_for else call.succeeded(output)

        return await self._beside(work, lambda: call.number in self._cancelled)

    async def _beside(self, work: Callable[[], T], cancelled: Callable[[], bool]) -> T:
        """Run the model's code beside the loop, in another thread.

        Args:
            work: What to run.
            cancelled: Whether a client has cancelled it, who is told when it has ended.
        """
        from cog_runtime.worker.aside import Aside  # noqa: PLC0415 - imports ctypes, which few async models need

        def guarded() -> T:
            try:
                return work()
            finally:
                if os.getpid() != self._pid:
                    # The model forked and the child came back here, without a loop.
                    os._exit(0 if sys.exc_info()[0] is None else 1)

        return await Aside(self._loop, guarded, self._find_thread).wait(cancelled)

    async def _item(self, call: Call, item: Any) -> None:
        stdio.flush()
        call.output(item)
        if self._wire is not None:
            await self._wire.room()

    def _send(self, frame: Frame) -> None:
        data = pack(frame, dumps)
        if self._wire is None:
            return
        if _running_loop() is self._loop:
            self._wire.write(data)
        else:
            self._loop.call_soon_threadsafe(self._wire.write, data)


def _close(stream: Any) -> None:
    """End a generator where it ran, so that what it does and prints at its end is still its prediction's."""
    close = getattr(stream, "close", None)
    if close is not None:
        with suppress(Exception):
            close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Wire(asyncio.BufferedProtocol):
    """The socket inside the event loop.

    It reads into one buffer: asyncio would get a quarter of a MiB from the system for each read and give it back.
    """

    def __init__(self, begin: Callable[[Frame], None], closed: asyncio.Future[None]) -> None:
        self._begin = begin
        self._closed = closed
        self._splitter = Splitter(loads)
        self._buffer = memoryview(bytearray(_AT_ONCE))
        self._transport: asyncio.Transport | None = None
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Begin the calls that came."""
        for frame in self._splitter.feed(self._buffer[:nbytes]):
            self._begin(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop: the server is gone, or has no more work; anything else is our mistake, and ends the process."""
        if not self._closed.done() and exc is not None and not isinstance(exc, OSError):
            crash(exc)
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """Let generators wait: the server does not keep up."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Let generators go on."""
        self._room.set()

    async def room(self) -> None:
        """Wait until the server keeps up."""
        await self._room.wait()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None:
            self._transport.write(data)
