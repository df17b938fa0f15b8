"""The measurements, each of both servers in turns, and the lines of the table that come of them."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from asking import ask
from bars import Bar, Figure, Line
from models import ECHO, FILE, HELLO, HELLO_ASYNC, MIB, NUMBERS, SLEEP, YIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from asking import Found
    from models import Model
    from servers import Server

_SETTLED = 1.5
"""Seconds after READY in which a server does what it has put off at its start."""
_PAUSE = 0.003
"""Seconds between the requests of a client that is no benchmark; upstream needs some of them to free its slot."""


@dataclass(frozen=True)
class Kit:
    """What measuring needs.

    Attributes:
        servers: Upstream's and ours.
        folder: For models.
        rounds: How often each is measured.
        scale: How much of everything; less than 1 for a quick look.
    """

    servers: tuple[Server, Server]
    folder: Path
    rounds: int
    scale: float


@dataclass(frozen=True)
class Row:
    """A measurement by its name for ``--only``."""

    name: str
    measure: Callable[[Kit], list[Line]]


def _in_turns(rounds: int, sides: Sequence[Callable[[], Found]]) -> list[Found]:
    """Return the medians of each side: a b, a b, ...; the first round fills caches and does not count."""
    found: list[list[Found]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, measure in enumerate(sides):
            each = measure()
            if number:
                found[side].append(each)
    return [{key: _together(key)(one[key] for one in side) for key in side[0]} for side in found]


def _together(key: str) -> Callable[[Iterable[float]], float]:
    """Return what makes one value of those of all rounds."""
    return max if key == "refused_after_success" else statistics.median


def _lines(figures: Sequence[Figure], upstream: Found, ours: Found) -> list[Line]:
    return [Line(each, upstream[each.key] * each.factor, ours[each.key] * each.factor) for each in figures]


def _loaded(name: str, model: Model, *figures: Figure, **plan: Any) -> Row:
    """Return a row of both servers under the same load; ``seconds`` and ``count`` are for a scale of 1."""

    def measure(kit: Kit) -> list[Line]:
        folder = model.write(kit.folder / name)
        scaled: dict[str, Any] = {key: plan[key] * kit.scale for key in ("seconds", "count") if key in plan}
        asking = {**plan, **scaled}
        with ExitStack() as stack:
            both = [server.start(folder, model) for server in kit.servers]
            for running in both:
                stack.callback(running.stop)
            for running in both:
                running.wait()
            return _lines(figures, *_in_turns(kit.rounds, [partial(ask, one, **asking) for one in both]))

    return Row(name, measure)


def _started(kit: Kit) -> list[Line]:
    """Start and stop both; each round is a process of its own."""
    folder = HELLO.write(kit.folder / "start")

    def measure(server: Server) -> Found:
        running = server.start(folder, HELLO)
        try:
            ready = running.wait()
            time.sleep(_SETTLED)
            return {"ready": ready, "memory": running.memory}
        finally:
            running.stop()

    figures = (
        Figure("start to READY", "ready", "ms", 1000, Bar(0.8, 0.5)),
        Figure("idle RSS of all processes", "memory", "MiB", 1 / MIB, Bar(0.7, 0.5)),
    )
    return _lines(figures, *_in_turns(kit.rounds, [partial(measure, one) for one in kit.servers]))


def _disk(kit: Kit) -> list[Line]:
    figure = Figure("server on disk in the image", "disk", "MB", 1e-6, Bar(22.5, 11, is_limit=True))
    return _lines([figure], *({"disk": float(server.disk)} for server in kit.servers))


def _grown(kit: Kit) -> list[Line]:
    """Ask many times; what a server keeps on purpose, such as its history, is full before that begins.

    Upstream gets a tenth: each of its predictions leaves three folders behind, which somebody has to remove.
    """
    folder = HELLO_ASYNC.write(kit.folder / "memory")
    found = []
    for server, count in zip(kit.servers, (10_000, 100_000), strict=True):
        running = server.start(folder, HELLO_ASYNC)
        try:
            running.wait()
            ask(running, clients=8, seconds=600, count=count // 10 * kit.scale)
            before = running.memory
            ask(running, clients=8, seconds=600, count=count * kit.scale)
            found.append({"grown": float(running.memory - before)})
        finally:
            running.stop()
    what = "RSS gained in 100 000 requests (upstream: in 10 000)"
    return _lines([Figure(what, "grown", "MiB", 1 / MIB, Bar(1, is_limit=True))], *found)


def _rate(what: str, bar: Bar) -> tuple[Figure, ...]:
    return (
        Figure(what, "rate", "req/s", bar=bar),
        Figure("- processor time of a request", "cpu", "us", 1e6),
        Figure("- p99", "p99", "ms", 1000),
        Figure("- answered with 409", "refused", ""),
    )


def _time(what: str, bar: Bar | None) -> tuple[Figure, ...]:
    return (Figure(what, "p50", "ms", 1000, bar), Figure("- processor time of a request", "cpu", "us", 1e6))


_SHARE = Bar(0.35, 0.25)
_NONE = Bar(0, is_limit=True)

ROWS = (
    _loaded("hello-8", HELLO_ASYNC, *_rate("hello, c=8", Bar(4, 6, higher=True)), clients=8, seconds=2),
    _loaded("hello-32", HELLO_ASYNC, *_rate("hello, c=32", Bar(4, 6, higher=True)), clients=32, seconds=2),
    _loaded(
        "serial",
        HELLO,
        *_time("hello, one after the other, p50", Bar(0.3, 0.2)),
        Figure("- 409 after a 200, in 2000 tries, worst round", "refused_after_success", "", bar=_NONE),
        count=2000,
    ),
    _loaded("paused", HELLO, *_time("hello, 3 ms after the last answer, p50", None), count=300, pause=_PAUSE),
    _loaded("echo", ECHO, *_time("echo of 1 MiB of JSON, p50", _SHARE), count=100, pause=_PAUSE),
    _loaded("numbers", NUMBERS, *_time("1 MiB of JSON that is numbers, p50", None), count=60, pause=_PAUSE),
    _loaded("file", FILE, *_time("Path in and out, data URLs of 1 MiB, p50", _SHARE), count=60, pause=_PAUSE),
    _loaded(
        "events",
        YIELDS,
        *_time("100 yields over SSE, new connections, p50", _SHARE),
        count=100,
        pause=_PAUSE,
        events=True,
        fresh=True,
    ),
    _loaded(
        "events-kept",
        YIELDS,
        *_time("100 yields over SSE, one connection, p50", _SHARE),
        count=40,
        pause=_PAUSE,
        events=True,
    ),
    _loaded("sleep", SLEEP, *_rate("64 at a time, asleep for 10 ms", Bar(2, 4, higher=True)), clients=64, seconds=2),
    Row("start", _started),
    Row("disk", _disk),
    Row("memory", _grown),
)
