"""Keeps servers busy at 80 % of what they can, and looks whether anything grows.

    python tests/runtime/soak/run.py --minutes 10

Two models at the same time, a blocking one with two workers and an async one that streams, each with its own clients.
What they can is found first. The end is 1 when memory, descriptors, processes, threads or temporary files grew, when
an answer was not as it should be, or when a webhook of a prediction's end did not come exactly once.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from tests.runtime.faults.processes import look
from tests.runtime.serving import Servers, make_interpreter, this_series
from tests.runtime.soak.load import Clients
from tests.runtime.soak.models import ASYNC, BLOCKING, asks

if TYPE_CHECKING:
    from tests.runtime.faults.processes import Load
    from tests.runtime.serving import Server
    from tests.runtime.soak.load import Tally
    from tests.runtime.soak.models import Ask

CALIBRATION = 15.0
WARMING = 0.2
"""Part of the time that is not looked at: caches and the history fill."""
PAUSE = 2.0
GROWTH = 1.05
SLACK = 4.0
"""MiB of memory that may come on top of the growth."""


class Hooks(ThreadingHTTPServer):
    """Counts the ends of predictions that it is told."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ends: Counter[bytes] = Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b'"status":"processing"' not in body:
            self.server.ends[body.partition(b'"id":"')[2].partition(b'"')[0]] += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@attrs.frozen
class Sample:
    """One look.

    Attributes:
        load: At the server.
        files: In its temporary folder.
    """

    load: Load
    files: int


@attrs.define
class Subject:
    """A server, those who keep it busy, and what was seen of it."""

    name: str
    server: Server
    temporary: Path
    asks: list[Ask]
    hooks: Hooks
    clients: Clients | None = None
    samples: list[Sample] = attrs.field(factory=list)
    before: int = 0

    def sample(self) -> Sample:
        """Look at it."""
        found = Sample(look(self.server.process.pid), len(list(self.temporary.iterdir())))
        self.samples.append(found)
        return found


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run, print what was seen, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--load", type=float, default=0.8, help="part of what the servers can (0.8)")
    parser.add_argument("--clients", type=int, default=8, help="of each server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cog-soak-") as name:
        subjects, servers = _start(Path(name))
        try:
            _calibrate(subjects, options.clients, options.load)
            _soak(subjects, options.minutes * 60)
            problems = [f"{each.name}: {problem}" for each in subjects for problem in _judge(each)]
        finally:
            servers.end()
    for problem in problems:
        say(f"PROBLEM {problem}")
    say("not flat" if problems else "flat")
    return 1 if problems else 0


def _start(folder: Path) -> tuple[list[Subject], Servers]:
    interpreter = make_interpreter(Path(sys.executable).resolve(), this_series(), folder / "cache")
    servers = Servers(interpreter, folder / "src")
    found = []
    for name, source, settings in (
        ("blocking", BLOCKING, {"COG_WORKERS": "2", "COG_QUEUE": "16"}),
        ("async", ASYNC, {"COG_QUEUE": "16"}),
    ):
        temporary = folder / name
        temporary.mkdir()
        hooks = Hooks()
        server = servers(source, TMPDIR=str(temporary), COG_LOG_LEVEL="warning", wait=False, **settings)
        server.wait_for_first_start()
        found.append(Subject(name, server, temporary, asks(hooks.url, streaming=name == "async"), hooks))
    return found, servers


def _calibrate(subjects: list[Subject], clients: int, load: float) -> None:
    """Find what the servers can, all of them at the same time, and set the rates."""
    free = [Clients(each.server.port, each.asks, clients) for each in subjects]
    for each in free:
        each.start()
    time.sleep(CALIBRATION)
    for subject, each in zip(subjects, free, strict=True):
        tally = each.stop()
        rate = tally.count / CALIBRATION
        subject.before = tally.answers[202]
        say(f"{subject.name}: {rate:.0f} requests/s at most; {rate * load:.0f}/s from now on")
        subject.clients = Clients(subject.server.port, subject.asks, clients, rate * load)


def _soak(subjects: list[Subject], seconds: float) -> None:
    end, shown = time.monotonic() + seconds, 0.0
    begin = time.monotonic()
    say("seconds   model     requests/s  server MiB  tree MiB  descriptors  processes  threads  files")
    for each in subjects:
        _clients(each).start()
    while time.monotonic() < end:
        time.sleep(PAUSE)
        for each in subjects:
            each.sample()
        if time.monotonic() >= shown:
            shown = time.monotonic() + max(10.0, seconds / 30)
            for each in subjects:
                _show(each, time.monotonic() - begin)
    for each in subjects:
        _clients(each).stop()


def _clients(subject: Subject) -> Clients:
    assert subject.clients is not None
    return subject.clients


def _show(subject: Subject, seconds: float) -> None:
    load, rate = subject.samples[-1].load, _clients(subject).tally.count / seconds
    say(
        f"{seconds:7.0f}   {subject.name:<8}  {rate:10.0f}  {load.memory:10.1f}  {load.tree:8.1f}"
        f"  {load.descriptors:11d}  {load.processes:9d}  {load.threads:7d}  {subject.samples[-1].files:5d}"
    )


def _judge(subject: Subject) -> list[str]:
    tally = _clients(subject).tally
    _tell(subject.name, tally)
    time.sleep(2)  # what is due is delivered
    seen = subject.samples[int(len(subject.samples) * WARMING) :]
    quarter = max(1, len(seen) // 4)
    early, late = seen[:quarter], seen[-quarter:]
    problems = [f"{len(tally.wrong)} wrong answers, such as {tally.wrong[:3]}"] if tally.wrong else []
    for what, slack in (("memory", SLACK), ("tree", SLACK), ("descriptors", 16), ("processes", 1), ("threads", 8)):
        before, after = (statistics.median(getattr(each.load, what) for each in part) for part in (early, late))
        say(f"  {what}: {before:.1f} -> {after:.1f}")
        if after > before * GROWTH + slack:
            problems.append(f"{what} grew from {before:.1f} to {after:.1f}")
    return problems + _leftovers(subject, tally)


def _tell(name: str, tally: Tally) -> None:
    times = statistics.quantiles(tally.times, n=100) if len(tally.times) > 1 else [0.0] * 99
    shown = ", ".join(f"{answer}: {count}" for answer, count in tally.answers.most_common())
    say(f"{name}: {tally.count} requests ({shown}); p50 {times[49] * 1e3:.1f} ms, p99 {times[98] * 1e3:.1f} ms")


def _leftovers(subject: Subject, tally: Tally) -> list[str]:
    health: Any = subject.server.health
    files = list(subject.temporary.iterdir())
    ends, asked = subject.hooks.ends, subject.before + tally.answers[202]
    say(f"  webhooks of ends: {ends.total()} for {asked} predictions; files left: {len(files)}")
    problems = []
    if files:
        problems.append(f"files are left: {files[:3]}")
    if ends.total() != asked or set(ends.values()) - {1}:
        problems.append("a webhook did not come once")
    if (health["status"], health["runtime"]["running"], health["runtime"]["restarts"]) != ("READY", 0, 0):
        problems.append(f"health at the end: {health['status']} {health['runtime']}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
