"""Webhooks: what happens to a prediction, told to a URL in the order in which it happens."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urljoin, urlsplit
from weakref import WeakValueDictionary

from cog_runtime.server import http_client

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cog_runtime.server.log import Log
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.request import Request
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.tracing import Span

_TIMEOUT = 30.0
"""Seconds that one call may take in all."""
_RETRIES = 12
_FIRST_DELAY = 0.1
_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_MOST_WAITING = 256
"""Calls that wait for a slow receiver; beyond that the oldest is dropped: every call carries the whole state."""
_SLOW = 5.0
"""Seconds after which a receiver is slow: it is told the newest state next, and nothing in between."""
_SAME_RECEIVER = 8
"""Calls at a time to one host, so that one that never answers leaves threads for the others."""
_MOST_BYTES = 256 << 20
"""Bytes of all calls that wait; beyond that calls are not made, and the log says so."""


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
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._held = 0

    def observer(self, request: Request) -> Webhook:
        """Return what listens to the prediction of this request."""
        if request.webhook is None:
            raise ValueError("the request names no webhook")
        return Webhook(self, request, self._headers(request))

    async def drain(self, grace: float) -> None:
        """Wait until all calls are made, at most this many seconds."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=grace)

    @property
    def interval(self) -> float:
        """Seconds between a call and the next one about logs."""
        return self._settings.webhook_interval

    def hold(self, size: int) -> bool:
        """Note that a call of so many bytes waits, and return whether there is room for it."""
        if size > 0 and self._held + size > _MOST_BYTES:
            return False
        self._held += size
        return True

    def dropped(self, prediction: Prediction) -> None:
        """Say that a call will not be made."""
        self._log.error("Webhook was not delivered", problem="too many wait", prediction_id=prediction.id)

    def start(self, work: Any) -> None:
        """Run a delivery beside everything else."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, request: Request, body: bytes, headers: dict[str, str], *, last: bool) -> bool:
        """Make one call and return whether it was taken.

        The last one of a prediction is tried again when the receiver is not well.
        """
        url = request.webhook or ""
        for attempt in range(_RETRIES + 1 if last else 1):
            if request.span is None:
                problem = await self._try(url, body, headers)
            else:
                problem = await self._try_traced(request.span, url, body, headers)
            if problem is None:
                return True
            self._log.warning("Webhook was not delivered", problem=problem, last=last, attempt=attempt + 1)
            if problem.startswith("gave up") or not last or attempt == _RETRIES:
                break
            await asyncio.sleep(_FIRST_DELAY * 2 ** min(attempt, 10))
        return False

    async def _try_traced(self, span: Span, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        from cog_runtime.server.tracing import address  # noqa: PLC0415 - few want traces

        call = span.child("webhook", "client", {"http.request.method": "POST", **address(url)})
        problem = await self._try(url, body, {**headers, "traceparent": call.traceparent})
        call.end(problem)
        return problem

    async def _try(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            async with self._hosts.setdefault(urlsplit(url).netloc, asyncio.Semaphore(_SAME_RECEIVER)):
                reply = await loop.run_in_executor(self._executor(), _post, url, body, headers)
        except OSError as error:
            return f"{type(error).__name__}: {error}"
        except ValueError as error:
            return f"gave up: {error}"
        if 200 <= reply.status < 300:
            return None
        return f"HTTP status {reply.status}" if reply.status in _RETRIED else f"gave up: HTTP status {reply.status}"

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._settings.user_agent,
            "X-Request-ID": request.request_id,
            **dict(request.trace),
        }
        if self._settings.webhook_token:
            headers["Authorization"] = f"Bearer {self._settings.webhook_token}"
        return headers


def _post(url: str, body: bytes, headers: dict[str, str]) -> http_client.Reply:
    """Make one call, and again wherever its receiver says to.

    A 303 says that the call was taken, and that something may be read elsewhere; all others want the call itself.

    Raises:
        OSError: Somebody is out of reach, or it takes too long, or too many redirects.
        ValueError: A URL is not one of http or https.
    """
    method, end = "POST", time.monotonic() + _TIMEOUT
    for _ in range(_MOST_REDIRECTS + 1):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the redirects take too long")
        reply = http_client.send(method, url, body, headers, left)
        if reply.status not in _REDIRECTS or not reply.location:
            return reply
        if reply.status == 303:
            method, body = "GET", b""
        target = urljoin(url, reply.location)
        if _origin(target) != _origin(url):
            # The token is for whom the request has named.
            headers = {name: value for name, value in headers.items() if name != "Authorization"}
        url = target
    raise OSError(f"more than {_MOST_REDIRECTS} redirects")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class Webhook:
    """The webhook of one prediction.

    Args:
        owner: Makes the calls.
        request: Names the receiver, and what it wants to hear.
        headers: What every call carries.
    """

    def __init__(self, owner: Webhooks, request: Request, headers: dict[str, str]) -> None:
        self._owner = owner
        self._request = request
        self._events = request.events
        self._headers = headers
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._busy = False
        self._last = float("-inf")

    def started(self, prediction: Prediction) -> None:
        """Tell that it began."""
        if "start" in self._events:
            self._add(prediction)

    def logged(self, prediction: Prediction, source: str, text: str) -> None:
        """Tell what it printed, but not soon after any other call, which has told it too."""
        del source, text
        if "logs" in self._events and time.monotonic() - self._last >= self._owner.interval:
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
        self._last = time.monotonic()
        body = prediction.snapshot()
        if len(self._waiting) >= _MOST_WAITING:
            self._forget_oldest()
        while not self._owner.hold(len(body)):
            if not self._waiting:
                self._owner.dropped(prediction)
                return
            self._forget_oldest()
        self._waiting.append((body, last))
        if not self._busy:
            self._busy = True
            self._owner.start(self._deliver())

    async def _deliver(self) -> None:
        while self._waiting:
            body, last = self._waiting.popleft()
            begun = time.monotonic()
            taken = await self._owner.post(self._request, body, self._headers, last=last)
            self._owner.hold(-len(body))
            if not taken or time.monotonic() - begun > _SLOW:
                while len(self._waiting) > 1:
                    self._forget_oldest()
        self._busy = False

    def _forget_oldest(self) -> None:
        body, _ = self._waiting.popleft()
        self._owner.hold(-len(body))
