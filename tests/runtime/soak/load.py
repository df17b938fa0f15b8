"""Clients that keep a server busy: as fast as it answers, or at a rate."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.runtime.soak.models import Ask

_TIMEOUT = 60.0
_BUSY = frozenset({409, 429})
_LATE = 1.0
"""Seconds that a request may be late."""
_PER_CONNECTION = 100
"""Requests on one connection, before the client makes another one."""


@attrs.define
class Tally:
    """What came of requests.

    Attributes:
        answers: How many answers had which status; ``left`` where the client did not wait for one.
        wrong: Descriptions of answers that are not as they should be.
        times: Seconds from a request's moment to its answer.
    """

    answers: Counter[object] = attrs.field(factory=Counter)
    wrong: list[str] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)

    @property
    def count(self) -> int:
        """How many requests there were."""
        return self.answers.total()


class Clients:
    """Threads that make requests.

    Args:
        port: Of the server.
        asks: What they ask for.
        count: How many there are.
        rate: Requests a second of all together; None for as many as possible.
    """

    def __init__(self, port: int, asks: Sequence[Ask], count: int, rate: float | None = None) -> None:
        self.tally = Tally()
        self._port = port
        self._asks = asks
        self._weights = list(itertools.accumulate(ask.weight for ask in asks))
        self._pause = 0.0 if rate is None else 1 / rate
        self._next = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(count)]

    def run(self, seconds: float) -> Tally:
        """Make requests for some time."""
        self.start()
        time.sleep(seconds)
        return self.stop()

    def start(self) -> None:
        """Begin."""
        self._next = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> Tally:
        """End, and wait for the answers that are due."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.tally

    def _work(self, number: int) -> None:
        dice = random.Random(number)
        while not self._over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
            for _ in range(_PER_CONNECTION):
                moment = self._wait()
                (ask,) = dice.choices(self._asks, cum_weights=self._weights)
                if self._over.is_set() or not self._make(connection, ask, moment):
                    break
            connection.close()

    def _wait(self) -> float:
        """Wait for the next request's moment, and return it."""
        if not self._pause:
            return time.monotonic()
        with self._lock:
            # What could not be asked for in time is left out: a machine with other work is no reason to ask for more.
            moment = max(self._next, time.monotonic() - _LATE)
            self._next = moment + self._pause
        self._over.wait(max(0.0, moment - time.monotonic()))
        return moment

    def _make(self, connection: http.client.HTTPConnection, ask: Ask, moment: float) -> bool:
        """Make a request; return whether the connection can be used again."""
        try:
            connection.request(ask.method, ask.path, ask.body, dict(ask.headers))
            if ask.leaves:
                time.sleep(0.02)
                self._note("left", 0, None)
                return False
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._note(type(error).__name__, 0, f"{ask.method} {ask.path}: {error!r}")
            return False
        expected = answer.status in ask.statuses or (answer.status in _BUSY and ask.path == "/predictions")
        problem = None if expected else f"{ask.method} {ask.path} {ask.body[:80]!r}: {answer.status}"
        self._note(answer.status, time.monotonic() - moment, problem)
        return not answer.will_close

    def _note(self, answer: object, seconds: float, problem: str | None) -> None:
        with self._lock:
            self.tally.answers[answer] += 1
            if answer == 200:
                self.tally.times.append(seconds)
            if problem is not None:
                self.tally.wrong.append(problem)
