"""One call of the model: what is common to models that block and models that are async."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

from cog._scope import Scope
from cog_runtime.wire import Frame
from cog_runtime.worker.decode import Arguments, InputFailed
from cog_runtime.worker.encode import as_json, encode

if TYPE_CHECKING:
    from types import TracebackType

Send = Callable[[Frame], None]

_OURS = ("cog.", "cog_runtime.", "asyncio.", "concurrent.")


class Call:
    """A prediction or training on its way through the worker.

    Args:
        frame: What the server sent.
        send: Sends a frame to the server.
    """

    def __init__(self, frame: Frame, send: Send) -> None:
        self._frame: Frame | None = frame
        self._header = frame.header
        self._send = send
        self.number: int = frame.header["call"]
        self.train: bool = frame.header.get("train", False)
        self.scope = Scope(frame.header.get("context"), _metrics_of(self.number, send))
        self._arguments: Arguments | None = None
        self._closed = False

    def arguments(self, converters: Any) -> dict[str, Any]:
        """Return what the model is called with.

        Raises:
            InputFailed: An input could not be had.
        """
        # Inputs may be large: whoever calls the model is the only one to keep them.
        frame, self._frame = self._frame, None
        assert frame is not None, "a call is made once"
        arguments = self._arguments = Arguments(frame)
        del frame
        try:
            arguments.convert(converters)
        finally:
            if self._header.get("spans"):
                self._tell(arguments.downloads)
            # A call that was cancelled is over, but the thread that writes its files cannot be stopped.
            if self._closed:
                arguments.remove_files()
        return arguments.taken()

    def _tell(self, downloads: list[dict[str, Any]]) -> None:
        for each in downloads:
            self._send(Frame({"type": "span", "call": self.number, "name": "download", **each}))

    def output(self, item: Any) -> None:
        """Send one item of a generator."""
        encoded = encode(item)
        self._send(Frame({"type": "output", "call": self.number}, encoded.payload, encoded.parts))

    def say(self, source: str, text: str) -> None:
        """Send what the model printed where it cannot go through a pipe."""
        if not text.isascii():
            # What a pipe gets of half characters, too.
            text = text.encode("utf-8", "backslashreplace").decode()
        self._send(Frame({"type": "log", "call": self.number, "source": source, "text": text}))

    def succeeded(self, output: Any) -> Frame:
        """Return the last frame of a call that returned a value."""
        encoded = encode(output)
        header = {"type": "done", "call": self.number, "status": "succeeded"}
        if encoded.many:
            header["many"] = True
        return Frame(header, encoded.payload, encoded.parts)

    def streamed(self) -> Frame:
        """Return the last frame of a call whose items were sent one by one."""
        return Frame({"type": "done", "call": self.number, "status": "succeeded", "streamed": True})

    def failed(self, error: BaseException) -> Frame:
        """Return the last frame of a call that raised, and print the traceback into its logs."""
        if not isinstance(error, InputFailed):
            print_traceback(error)
        return self.failure(error)

    def failure(self, error: BaseException) -> Frame:
        """Return the last frame of a call that this exception has ended."""
        text = _whole(str(error)) if isinstance(error, InputFailed) else describe(error)
        header = {"type": "done", "call": self.number, "status": "failed", "error": text}
        if isinstance(error, InputFailed):
            header["input"] = True
        return Frame(header)

    def canceled(self) -> Frame:
        """Return the last frame of a call that was cancelled."""
        return Frame({"type": "done", "call": self.number, "status": "canceled"})

    def close(self) -> None:
        """Remove what belongs to this call alone."""
        self._closed = True
        if self._arguments is not None:
            self._arguments.remove_files()
            self._arguments = None


def _metrics_of(call: int, send: Send) -> Callable[[str, str, Any], None]:
    """Return what sends the metrics of a call and does not keep the call, which would keep itself in a circle."""

    def metric(name: str, mode: str, value: Any) -> None:
        send(Frame({"type": "metric", "call": call, "name": name, "mode": mode, "value": encode_metric(value)}))

    return metric


def is_stream(output: Any) -> bool:
    """Return whether the output is an iterator whose items go out one by one; an open file is none."""
    return hasattr(output, "__next__") and not hasattr(output, "read")


def encode_metric(value: Any) -> Any:
    """Return a metric as plain JSON: floats that JSON does not know become null, half characters question marks."""
    import json  # noqa: PLC0415 - for models with metrics only

    if isinstance(value, str):
        return _whole(value)
    return json.loads(as_json(value)) if isinstance(value, (float, list, dict)) else value


def send_last(send: Send, answer: Frame) -> None:
    """Send the last frame of a call; if it cannot be packed, then one that says so.

    Raises:
        OSError: The server is gone.
    """
    try:
        send(answer)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the model has returned, its client waits
        header = {"type": "done", "call": answer.header["call"], "status": "failed", "error": describe(error)}
        send(Frame(header))


def describe(error: BaseException) -> str:
    """Return the exception as clients see it: its type and its text, without half characters."""
    name = type(error).__name__
    try:
        text = str(error)
        shown = f"{name}: {text}" if text else name
    except BaseException:  # noqa: BLE001 - the model's code, which has failed already
        shown = f"{name}: <exception str() failed>"
    return _whole(shown)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def print_traceback(error: BaseException) -> None:
    """Print a traceback that begins in the model's code."""
    # The model may have closed the stream, or its exception cannot be shown.
    with suppress(Exception):
        sys.stderr.write(format_traceback(error))


def format_traceback(error: BaseException) -> str:
    """Return a traceback that begins in the model's code."""
    return "".join(traceback.format_exception(type(error), error, _from_model(error.__traceback__)))


def _from_model(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        trace = trace.tb_next
    return trace
