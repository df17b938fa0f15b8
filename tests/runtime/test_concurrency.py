"""Async models with several predictions at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    import asyncio
    from cog import concurrent, current_scope

    class Runner:
        running = 0

        @concurrent(max=5)
        async def run(self, name: str) -> int:
            Runner.running += 1
            most = Runner.running
            for step in range(5):
                print(name, step)
                current_scope().record_metric("name", name)
                await asyncio.sleep(0.08)
                most = max(most, Runner.running)
            Runner.running -= 1
            return most
    """


def test_predictions_share_the_worker_and_mix_nothing_up(serve: Servers) -> None:
    server = serve(SOURCE)
    assert server.health["runtime"]["slots"] == 5
    begin = time.monotonic()
    asked = {name: server.later(name=name) for name in "abcde"}
    server.wait_for("BUSY")
    assert server.request("POST", "/predictions", {"input": {"name": "f"}}).status == 409
    answers = {name: each.result for name, each in asked.items()}
    assert time.monotonic() - begin < 1.5
    for name, answer in answers.items():
        assert answer["logs"] == "".join(f"{name} {step}\n" for step in range(5))
        assert answer["metrics"]["name"] == name
    assert max(answer["output"] for answer in answers.values()) == 5


def test_the_environment_decides_how_many(serve: Servers) -> None:
    server = serve(SOURCE, COG_MAX_CONCURRENCY="2")
    asked = [server.later(name=name) for name in "ab"]
    server.wait_for("BUSY")
    assert [each.result["status"] for each in asked] == ["succeeded"] * 2


def test_a_failure_leaves_the_others_alone(serve: Servers) -> None:
    failing = SOURCE.replace("most = Runner.running\n", "most = Runner.running; 1 / (name != 'bad')\n", 1)
    server = serve(failing)
    good, bad = server.later(name="good"), server.later(name="bad")
    assert (good.result["status"], bad.result["status"]) == ("succeeded", "failed")


def test_an_id_that_is_running_is_taken(serve: Servers) -> None:
    server = serve(SOURCE)
    asked = {"id": "mine", "input": {"name": "a"}}
    assert server.request("POST", "/predictions", asked, Prefer="respond-async").status == 202
    taken = server.request("POST", "/predictions", asked)
    assert taken.status == 409
    assert taken.json()["error"] == "A prediction with the ID mine is running already"
