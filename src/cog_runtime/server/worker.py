"""The worker as the server sees it: its life, its setup, and the calls that it has."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from cog_runtime.server.channel import Channel
from cog_runtime.server.leftovers import prefix_in
from cog_runtime.server.lines import Lines
from cog_runtime.server.log import now
from cog_runtime.server.pipes import Pipes
from cog_runtime.wire import MARSHAL, PROTOCOL, Frame

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.spawn import Process

_LAST_BREATH = 1.0
"""Seconds for a killed process to be gone: the kernel may have much to tidy up."""

_CUT = b"\n[the logs of setup are cut off here: they reached the limit]\n"

STARTING, READY, FAILED, DEAD = "starting", "ready", "failed", "dead"

OnFrame = Callable[["Prediction", Frame], None]
"""Takes a call, and a frame about it."""


class Versions(NamedTuple):
    """What the worker says about itself."""

    python: str = ""
    sdk: str = ""


class Batching(NamedTuple):
    """How requests become one call.

    Attributes:
        size: Most requests of one call.
        window: Seconds that the first of them waits for others.
    """

    size: int
    window: float


class Worker:
    """One worker process.

    Args:
        process: What was started.
        settings: What it is told.
        log: Where its lines go.
    """

    def __init__(self, process: Process, settings: Settings, log: Log) -> None:
        self.state = STARTING
        self.slots = settings.slots or 1
        self.has_healthcheck = False
        self.versions = Versions()
        self.batch: Batching | None = None
        self.marshals = False
        self.description = ""
        self.setup_started = now()
        self.setup_completed: str | None = None
        self.exited = asyncio.Event()
        self.on_output: OnFrame = ignore
        self.on_done: OnFrame = ignore
        self.on_change: Callable[[Worker], None] = ignore
        self.was_ended = False
        self._process = process
        self._settings = settings
        self._log = log
        self._setup_logs = bytearray()
        self._calls: dict[int, Prediction] = {}
        self._batches: dict[int, set[int]] = {}
        self._sharing = 0
        self._checks: dict[int, asyncio.Future[str | None]] = {}
        self._lines = {name: Lines(name, log) for name in ("stdout", "stderr")}
        # Here and not in attach(): a process may end while the connections to it are still being made.
        self._pipes = Pipes(process.stdout, process.stderr, self._on_text)
        self._timeout: asyncio.TimerHandle | None = None
        self._exit_status: int | None = None
        self._check_numbers = count()
        self._stopping = False
        self._born = monotonic()
        self._reason: str | None = None

    async def attach(self) -> None:
        """Connect to the process and tell it what to do."""
        loop = asyncio.get_running_loop()
        process, settings = self._process, self._settings
        for sock in (process.data, process.control):
            sock.settimeout(0)
        _, self._data = await loop.create_connection(lambda: Channel(self._on_frames, self.lost), sock=process.data)
        _, self._control = await loop.create_connection(
            lambda: Channel(self._on_control, ignore), sock=process.control
        )
        self._pipes.attach(loop)
        header = {
            "type": "init",
            "protocol": PROTOCOL,
            "reference": settings.reference,
            "train": settings.train_reference,
            "mode": settings.mode,
            "slots": settings.slots,
            "threads": settings.threads,
            "batch": _wanted(settings),
            "temporary": prefix_in(settings.environ),
        }
        self._data.send(Frame(header))
        if settings.setup_timeout is not None:
            self._timeout = loop.call_later(settings.setup_timeout, self._setup_timed_out)

    @property
    def setup_logs(self) -> str:
        """What was printed until setup was over, and why it failed if it did."""
        return self._setup_logs.decode("utf-8", "replace")

    @property
    def running(self) -> int:
        """How many calls it has."""
        return len(self._calls)

    @property
    def used(self) -> int:
        """How many of its slots are taken: the calls of a batch share one."""
        return len(self._calls) - self._sharing

    @property
    def lived(self) -> float:
        """Seconds since its start."""
        return monotonic() - self._born

    def has(self, number: int) -> bool:
        """Whether it has this call."""
        return number in self._calls

    def end(self, reason: str) -> None:
        """End the process, and fail its calls for this reason."""
        self.was_ended = True
        self._reason = reason
        self.lost()

    def predict(self, prediction: Prediction, frame: Frame) -> None:
        """Give it a call."""
        self._calls[prediction.number] = prediction
        # The only call is sent at once, which saves a turn of the event loop; among several there are others to join.
        self._data.send(frame, now=len(self._calls) == 1)

    def share(self, numbers: set[int]) -> None:
        """Note that these calls, which it has, are one call of the model."""
        self._sharing += len(numbers) - 1
        for number in numbers:
            self._batches[number] = numbers

    def cancel(self, number: int) -> None:
        """Ask it to end a call."""
        self._control.send(Frame({"type": "cancel", "call": number}))

    async def healthcheck(self, timeout: float) -> str | None:
        """Run the model's own check; return what is wrong, or None.

        Args:
            timeout: Seconds that the check may take.
        """
        number = next(self._check_numbers)
        future = self._checks[number] = asyncio.get_running_loop().create_future()
        self._control.send(Frame({"type": "healthcheck", "number": number}))
        try:
            return await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            return f"Healthcheck failed: user-defined healthcheck timed out after {timeout:.1f} seconds"
        finally:
            self._checks.pop(number, None)

    async def stop(self, grace: float) -> None:
        """End the process and what it started: politely, and after ``grace`` seconds for good."""
        self._stopping = True
        self._data.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.exited.wait(), grace)
        self._kill()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.exited.wait(), _LAST_BREATH)
        self._pipes.close()

    def reap(self, status: int) -> None:
        """Note that the process has ended with this wait status."""
        self._exit_status = status
        self.exited.set()
        self.lost()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def lost(self) -> None:
        """Deal with the end of the process, or of the connection to it; only the first time counts."""
        if self._stopping or self.state in {FAILED, DEAD}:
            return
        self._kill()
        self._wait()
        self._pipes.drain()
        reason = self._reason or describe_exit(self._exit_status)
        if self.state == STARTING:
            self._fail_setup(f"worker crashed ({reason})")
        else:
            self.state = DEAD
            self._log.error("Worker crashed", reason=reason)
        self._pipes.close()
        calls, self._calls = tuple(self._calls.values()), {}
        for call in calls:
            self.on_done(call, Frame({"type": "done", "status": "failed", "error": f"Worker crashed ({reason})"}))
        for check in self._checks.values():
            if not check.done():
                check.set_result("Healthcheck failed: the worker is gone")
        if self.state == DEAD:
            self.on_change(self)

    def _on_frames(self, frames: list[Frame]) -> None:
        # What was printed before them is in the pipes by now, and belongs to their calls.
        self._pipes.drain()
        for frame in frames:
            self._on_frame(frame)

    def _on_frame(self, frame: Frame) -> None:
        kind = frame.header.get("type")
        call = self._calls.get(frame.header.get("call", -1))
        if kind == "done" and call is not None:
            del self._calls[call.number]
            if self._batches:
                self._leave_batch(call.number)
            self.on_done(call, frame)
        elif kind == "output" and call is not None:
            self.on_output(call, frame)
        elif kind == "metric" and call is not None:
            call.add_metric(frame.header["name"], frame.header["mode"], frame.header.get("value"))
        elif kind == "span" and call is not None and call.span is not None:
            call.span.reported(frame.header)
        elif kind == "log":
            self._print(call, frame.header["source"], frame.header["text"].encode("utf-8", "replace"))
        elif kind == "ready":
            self._ready(frame.header)
        elif kind == "setup_failed":
            self._fail_setup(frame.header["error"])

    def _leave_batch(self, number: int) -> None:
        batch = self._batches.pop(number, None)
        if batch is not None:
            batch.discard(number)
            self._sharing -= bool(batch)

    def _on_control(self, frames: list[Frame]) -> None:
        for frame in frames:
            check = self._checks.get(frame.header.get("number", -1))
            if frame.header.get("type") == "health" and check is not None and not check.done():
                check.set_result(frame.header.get("error"))

    def _on_text(self, source: str, data: bytes) -> None:
        if self.state == STARTING:
            room = self._settings.log_limit - len(self._setup_logs)
            if room >= 0:
                self._setup_logs += data if len(data) <= room else data[:room] + _CUT
            self._lines[source].add(data, "setup")
            return
        # With several calls at a time nobody knows which one wrote to the descriptor; a batch is one call.
        call, *others = self._calls.values() if self.used == 1 else (None,)
        self._print(call, source, data)
        for other in others:
            other.log(source, data)

    def _print(self, call: Prediction | None, source: str, data: bytes) -> None:
        if call is None:
            self._lines[source].add(data, "model")
        else:
            call.log(source, data)
            self._lines[source].add(data, "prediction", call.request)

    def _ready(self, header: dict[str, Any]) -> None:
        if header.get("protocol") != PROTOCOL:
            self._fail_setup(f"the worker speaks protocol {header.get('protocol')}, not {PROTOCOL}")
            return
        self.slots = header.get("slots", 1)
        self.has_healthcheck = bool(header.get("healthcheck"))
        self.batch = _batching(header.get("batch"))
        self.versions = Versions(header.get("python", ""), header.get("sdk", ""))
        self.description = str(header.get("description", ""))
        self.marshals = MARSHAL in (header.get("encodings") or ())
        self._end_setup(READY)
        self._log.info("Server ready", num_slots=self.slots)

    def _setup_timed_out(self) -> None:
        self._fail_setup("worker setup timed out")

    def _fail_setup(self, error: str) -> None:
        if self.state != STARTING:
            return
        self._pipes.drain()
        if self._setup_logs and not self._setup_logs.endswith(b"\n"):
            self._setup_logs += b"\n"
        self._setup_logs += error.encode("utf-8", "replace") + b"\n"
        self._kill()
        self._wait()
        self._pipes.close()
        self._end_setup(FAILED)
        self._log.error("Setup failed", error=error)

    def _end_setup(self, state: str) -> None:
        self.state = state
        self.setup_completed = now()
        if self._timeout is not None:
            self._timeout.cancel()
        self.on_change(self)

    def _kill(self) -> None:
        self._process.kill()

    def _wait(self) -> None:
        """Collect the exit status of a process that has just ended or was just killed."""
        if self._exit_status is None:
            try:
                self._exit_status = os.waitpid(self._process.pid, 0)[1]
            except ChildProcessError:
                return
            self.exited.set()


def _wanted(settings: Settings) -> dict[str, float | None] | None:
    size, window = settings.batch
    return None if size is None and window is None else {"size": size, "window": window}


def _batching(said: dict[str, float] | None) -> Batching | None:
    return None if not said else Batching(max(1, int(said["size"])), max(0.0, said["window"]))


def describe_exit(status: int | None) -> str:
    """Return a wait status in words."""
    if status is None:
        return "it is gone"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exit status {os.WEXITSTATUS(status)}"


def ignore(*_: object) -> None:
    """Do nothing: nobody listens yet."""
