"""Webhooks: what happens to a prediction, told to a URL in the order in which it happens."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from cog_runtime.server import http_client

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.request import Request
    from cog_runtime.server.settings import Settings

_TIMEOUT = 30.0
_RETRIES = 12
_FIRST_DELAY = 0.1
_RETRIED = frozenset({429, 500, 502, 503, 504})
_MOST_WAITING = 256
"""Calls that wait for a slow receiver; beyond that the oldest is dropped: every call carries the whole state."""


class Webhooks:
    """Makes the webhooks of all predictions.

    Args:
        settings: Token, user agent, interval.
        log: Where failures are told.
        executor: Makes the threads that calls wait in, at the first call.
    """

    def __init__(self, settings: Settings, log: Log, executor: Callable[[], Executor]) -> None:
        self._settings = settings
        self._log = log
        self._executor = executor
        self._tasks: set[asyncio.Task[None]] = set()

    def observer(self, request: Request) -> Webhook:
        """Return what listens to the prediction of this request."""
        if request.webhook is None:
            raise ValueError("the request names no webhook")
        return Webhook(self, request.webhook, request.events, self._headers(request))

    async def drain(self, grace: float) -> None:
        """Wait until all calls are made, at most this many seconds."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=grace)

    @property
    def interval(self) -> float:
        """Seconds between two calls about logs."""
        return self._settings.webhook_interval

    def start(self, work: Any) -> None:
        """Run a delivery beside everything else."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, url: str, body: bytes, headers: dict[str, str], *, last: bool) -> None:
        """Make one call; the last one of a prediction is tried again when the receiver is not well."""
        for attempt in range(_RETRIES + 1 if last else 1):
            problem = await self._try(url, body, headers)
            if problem is None:
                return
            self._log.warning("Webhook was not delivered", problem=problem, last=last, attempt=attempt + 1)
            if problem.startswith("gave up") or not last or attempt == _RETRIES:
                return
            await asyncio.sleep(_FIRST_DELAY * 2 ** min(attempt, 10))

    async def _try(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            reply = await loop.run_in_executor(
                self._executor(), http_client.send, "POST", url, body, headers, _TIMEOUT
            )
        except OSError as error:
            return f"{type(error).__name__}: {error}"
        except ValueError as error:
            return f"gave up: {error}"
        if reply.status < 400:
            return None
        return f"HTTP status {reply.status}" if reply.status in _RETRIED else f"gave up: HTTP status {reply.status}"

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": self._settings.user_agent, **dict(request.trace)}
        if self._settings.webhook_token:
            headers["Authorization"] = f"Bearer {self._settings.webhook_token}"
        return headers


class Webhook:
    """The webhook of one prediction.

    Args:
        owner: Makes the calls.
        url: The receiver.
        events: What it wants to hear.
        headers: What every call carries.
    """

    def __init__(self, owner: Webhooks, url: str, events: frozenset[str], headers: dict[str, str]) -> None:
        self._owner = owner
        self._url = url
        self._events = events
        self._headers = headers
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._busy = False
        self._last_logs = float("-inf")

    def started(self, prediction: Prediction) -> None:
        """Tell that it began."""
        if "start" in self._events:
            self._add(prediction)

    def logged(self, prediction: Prediction, source: str, text: str) -> None:
        """Tell what it printed, but not too often."""
        del source, text
        moment = time.monotonic()
        if "logs" in self._events and moment - self._last_logs >= self._owner.interval:
            self._last_logs = moment
            self._add(prediction)

    def output(self, prediction: Prediction, chunk: bytes) -> None:
        """Tell all outputs so far."""
        del chunk
        if "output" in self._events:
            self._add(prediction)

    def metric(self, prediction: Prediction, name: str, mode: str, value: Any) -> None:
        """Say nothing: metrics stand in every other call."""

    def completed(self, prediction: Prediction) -> None:
        """Tell how it ended."""
        if "completed" in self._events:
            self._add(prediction, last=True)

    def _add(self, prediction: Prediction, *, last: bool = False) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
        self._waiting.append((prediction.snapshot(), last))
        if not self._busy:
            self._busy = True
            self._owner.start(self._deliver())

    async def _deliver(self) -> None:
        while self._waiting:
            body, last = self._waiting.popleft()
            await self._owner.post(self._url, body, self._headers, last=last)
        self._busy = False
