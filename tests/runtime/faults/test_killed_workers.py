"""kill -9 of the worker at random points of predictions: each of them ends once, and is told once."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.runtime.faults.processes import children
from tests.runtime.serving import Later, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

SYNC = """
    import time
    from typing import Iterator
    from cog import Path

    class Runner:
        def run(self, file: Path, steps: int = 10) -> Iterator[str]:
            for number in range(steps):
                print("step", number)
                time.sleep(0.01)
                yield file.read_text()
    """
ASYNC = """
    import asyncio
    from typing import AsyncIterator
    from cog import Path, concurrent

    class Runner:
        @concurrent(max=4)
        async def run(self, file: Path, steps: int = 10) -> AsyncIterator[str]:
            for number in range(steps):
                print("step", number)
                await asyncio.sleep(0.01)
                yield file.read_text()
    """
FILE = "data:text/plain;base64,YWJj"
TERMINAL = {"succeeded", "failed", "canceled"}
LONGEST = 0.16
"""Seconds: a little more than a prediction takes, so that some kills find the worker idle."""


@attrs.frozen
class Attack:
    """A model under attack.

    Attributes:
        server: Its server.
        receiver: Hears all webhooks.
        together: How many predictions run at a time.
        dice: Says when to kill.
    """

    server: Server
    receiver: Receiver
    together: int
    dice: random.Random

    def strike(self, turn: int) -> dict[str, Any]:
        """Start predictions, kill the worker some time later, and return the state of each by id.

        Every other one is asked for synchronously: its answer has to agree with its webhook.
        """
        names = [f"turn-{turn}-{number}" for number in range(self.together)]
        answers = [Later(lambda name=name, sync=n % 2: self._ask(name, sync=sync)) for n, name in enumerate(names)]
        time.sleep(self.dice.uniform(0, LONGEST))
        killed = children(self.server.process.pid)
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        told = until(lambda: (ends := self.ends()).keys() >= set(names) and ends, self.server)
        for name, answer in zip(names, answers, strict=True):
            assert answer.result in {"starting", told[name]}
        until(lambda: not set(killed) & set(children(self.server.process.pid)), self.server)
        assert self.server.output(file=FILE, steps=1) == ["abc"]
        until(lambda: (now := self.server.health["runtime"])["workers_ready"] == now["workers"], self.server)
        return {name: told[name] for name in names}

    def _ask(self, name: str, *, sync: int) -> str:
        body = {"id": name, "input": {"file": FILE}, "webhook": self.receiver.url("/hook")}
        headers = {} if sync else {"Prefer": "respond-async"}
        reply = self.server.request("POST", "/predictions", body, **headers)
        assert reply.status == (200 if sync else 202), reply
        status: str = reply.json()["status"]
        return status

    def ends(self) -> dict[str, str]:
        """Return the terminal states that were told, by id."""
        return {each["id"]: each["status"] for each in self.told() if each["status"] in TERMINAL}

    def told(self) -> list[Any]:
        """Return the bodies of all webhooks."""
        return [each.json() for each in list(self.receiver.heard)]


def attack(server: Server, receiver: Receiver, together: int, turns: int) -> None:
    seed = int(os.environ.get("COG_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    sys.stdout.write(f"COG_TEST_SEED={seed}\n")
    attacked = Attack(server, receiver, together, random.Random(seed))
    states: dict[str, str] = {}
    for turn in range(turns):
        states.update(attacked.strike(turn))
    time.sleep(0.3)
    ends = Counter(each["id"] for each in attacked.told() if each["status"] in TERMINAL)
    assert ends == dict.fromkeys(states, 1)
    assert {each["id"]: each["status"] for each in attacked.told()} == states, "something was told after the end"
    kept = [server.get(f"/predictions/{name}")["status"] for name in list(states)[-20:]]
    assert kept == list(states.values())[-20:]
    assert "failed" in states.values()
    assert server.health["status"] == "READY"


LONG = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("turns", [10, pytest.param(100, marks=LONG)])
@pytest.mark.parametrize("source", [SYNC, ASYNC], ids=["blocking", "async"])
def test_each_prediction_ends_once_and_is_told_once(
    serve: Servers, receiver: Receiver, tmp_path: Path, source: str, turns: int
) -> None:
    together = 4 if source is ASYNC else 1
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(source, TMPDIR=str(temporary), COG_HISTORY="1000", COG_THROTTLE_RESPONSE_INTERVAL="0")
    attack(server, receiver, together, turns)
    until(lambda: list(temporary.iterdir()) == [], server)
    assert len(children(server.process.pid)) == 1
    server.stop()


def test_two_workers_die_apart(serve: Servers, receiver: Receiver, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(SYNC, TMPDIR=str(temporary), COG_WORKERS="2", COG_HISTORY="1000")
    until(lambda: server.health["runtime"]["workers_ready"] == 2, server)
    attack(server, receiver, 2, 4)
    until(lambda: list(temporary.iterdir()) == [], server)
    server.stop()
