"""All workers: who gets the next call, and who is started again after its death."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable

from cog_runtime.server.leftovers import Leftovers
from cog_runtime.server.worker import DEAD, FAILED, READY, STARTING, Batching, OnFrame, Worker, ignore

if TYPE_CHECKING:
    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.spawn import Process
    from cog_runtime.wire import Frame

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 30.0
_WELL = 60.0
"""Seconds after which a worker that lives is no longer one that keeps dying."""


class Workers:
    """Workers that run the same model.

    Args:
        first: The process that was started before anything else.
        spawn: Starts another one; raises ``OSError`` when it cannot.
        settings: How many, and how often one is started again.
        log: Where they report.

    Attributes:
        restarts: How many were started again.
        on_output: Hears of items.
        on_done: Hears of ends.
        on_change: Called when there may be room, and when there never will be again.
    """

    def __init__(self, first: Process, spawn: Callable[[], Process], settings: Settings, log: Log) -> None:
        self.restarts = 0
        self.on_output: OnFrame = ignore
        self.on_done: OnFrame = ignore
        self.on_change: Callable[[], None] = ignore
        self._spawn = spawn
        self._settings = settings
        self._log = log
        self._all = [self._worker(first)]
        self._shown = self._all[0]
        self._was_ready = False
        self._failures = 0
        self._coming = 0
        self._timers: set[asyncio.TimerHandle] = set()
        self._starts: set[asyncio.Task[None]] = set()
        self._leftovers = Leftovers(settings.environ)
        self._stopping = False

    async def attach(self) -> None:
        """Connect to the first worker, and start the others.

        Raises:
            OSError: One of them cannot be started.
        """
        while len(self._all) < self._settings.workers:
            self._all.append(self._worker(self._spawn()))
        for worker in self._all:
            await worker.attach()
        self._leftovers.sweep_soon()

    @property
    def state(self) -> str:
        """That of the best of them; ``STARTING`` also while one is about to be started again."""
        # Asked for each request; nearly always the first one says it all.
        if self._all[0].state == READY:
            return READY
        states = {worker.state for worker in self._all}
        if READY in states:
            return READY
        if STARTING in states or self._coming:
            return STARTING
        return DEAD if self._was_ready else FAILED

    @property
    def is_coming_back(self) -> bool:
        """Whether none is ready, but there was one, and there will be one again."""
        return self._was_ready and self.state == STARTING

    @property
    def slots(self) -> int:
        """How many calls all of them take at a time."""
        return sum(worker.slots for worker in self._all if worker.state == READY) or self._shown.slots

    @property
    def running(self) -> int:
        """How many calls they have."""
        return sum(worker.running for worker in self._all)

    @property
    def shown(self) -> Worker:
        """The one whose setup and versions are told: the first that got ready, and who comes in its place."""
        return self._shown

    @property
    def batch(self) -> Batching | None:
        """How requests become one call, where the model is batched."""
        return self._shown.batch

    @property
    def marshal(self) -> bool:
        """Whether they understand payloads that are no JSON."""
        return self._shown.marshals

    @property
    def processes(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(worker.pid for worker in self._all)

    @property
    def ready(self) -> int:
        """How many of them are ready."""
        return sum(worker.state == READY for worker in self._all)

    def free(self) -> Worker | None:
        """Return the one with the fewest calls, if it has room for another."""
        if len(self._all) == 1:
            best = self._all[0]
        else:
            best = min(self._all, key=lambda worker: (worker.state != READY, worker.used - worker.slots))
        return best if best.state == READY and best.used < best.slots else None

    def cancel(self, number: int) -> None:
        """Ask whoever has this call to end it."""
        for worker in self._all:
            if worker.has(number):
                worker.cancel(number)

    def replace(self, number: int, reason: str) -> None:
        """End the worker that has this call and does not let go of it."""
        for worker in self._all:
            if worker.has(number):
                worker.end(reason)

    async def healthcheck(self, timeout: float) -> str | None:
        """Run the model's own check in the workers that are ready; return the first problem."""
        checks = [each.healthcheck(timeout) for each in self._all if each.state == READY and each.has_healthcheck]
        return next((problem for problem in await asyncio.gather(*checks) if problem is not None), None)

    def reap(self, pid: int, status: int) -> None:
        """Note that a process has ended."""
        for worker in self._all:
            if worker.pid == pid:
                worker.reap(status)

    def give_up(self) -> None:
        """Fail all calls at once, and start nothing again."""
        self._close()
        for worker in self._all:
            worker.lost()

    async def stop(self, grace: float) -> None:
        """End all of them: politely, and after ``grace`` seconds for good."""
        self._close()
        await asyncio.gather(*(worker.stop(grace) for worker in self._all))
        self._leftovers.sweep()

    def _close(self) -> None:
        self._stopping = True
        self._coming = 0
        for timer in self._timers:
            timer.cancel()

    def _worker(self, process: Process) -> Worker:
        worker = Worker(process, self._settings, self._log)
        worker.on_output = self._on_output
        worker.on_done = self._on_done
        worker.on_change = self._on_change
        return worker

    def _on_output(self, prediction: Prediction, frame: Frame) -> None:
        self.on_output(prediction, frame)

    def _on_done(self, prediction: Prediction, frame: Frame) -> None:
        if self._failures and frame.header["status"] == "succeeded":
            self._failures = 0
        self.on_done(prediction, frame)

    def _on_change(self, worker: Worker) -> None:
        if worker.state == DEAD:
            self._leftovers.sweep_soon()
        if worker.state == READY:
            if not self._was_ready:
                self._was_ready, self._shown = True, worker
                self._start_failed_again()
        elif not self._stopping and (self._was_ready or worker.state == DEAD):
            self._start_again(worker)
        self.on_change()

    def _start_failed_again(self) -> None:
        """Try those once more that failed before anyone was ready: now it is known that the model can be set up."""
        for worker in self._all:
            if worker.state == FAILED and not self._stopping:
                self._start_again(worker)

    def _start_again(self, worker: Worker) -> None:
        """Start another one in its place: at once, and later and later while they keep dying."""
        if worker.was_ended or (worker.state == DEAD and worker.lived > _WELL):
            self._failures = 0
        self._plan(worker)

    def _plan(self, worker: Worker) -> None:
        if self._failures >= self._settings.restarts:
            self._log.error("The worker is not started again", restarts=self._failures)
            return
        delay = min(_FIRST_DELAY * 2 ** (self._failures - 1), _LONGEST_DELAY) if self._failures else 0.0
        self._failures += 1
        self._coming += 1
        timer = asyncio.get_running_loop().call_later(delay, self._begin_start, worker)
        self._timers.add(timer)

    def _begin_start(self, worker: Worker) -> None:
        task = asyncio.ensure_future(self._start(worker))
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    async def _start(self, old: Worker) -> None:
        self._timers.clear()
        if self._stopping:
            return
        self._coming -= 1
        try:
            worker = self._worker(self._spawn())
        except OSError as error:
            self._log.error("The worker cannot be started again", error=str(error))
            self._plan(old)
            self.on_change()
            return
        self.restarts += 1
        self._log.info("Starting a worker again", pid=worker.pid, restarts=self.restarts)
        worker.slots = old.slots
        worker.batch = old.batch
        self._all[self._all.index(old)] = worker
        if self._shown is old:
            self._shown = worker
        await worker.attach()
