"""Ending a prediction before it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SYNC = """
    import time
    from cog import CancelationException

    class Runner:
        def run(self, how: str) -> str:
            if how == "quick":
                return "done"
            try:
                if how == "busy":
                    while True:
                        pass
                time.sleep(30)
            except CancelationException:
                print("cleaning up")
                raise
    """
ASYNC = """
    import asyncio

    class Runner:
        async def run(self, how: str) -> str:
            if how == "quick":
                return "done"
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                print("cleaning up")
                raise
    """


@pytest.fixture(scope="module")
def sync(keep: Servers) -> Server:
    return keep(SYNC)


def cancelled(server: Server, how: str) -> dict[str, object]:
    asked = server.later(how=how)
    server.wait_for("BUSY")
    time.sleep(0.05)
    identity = server.log.rpartition('"prediction_id":"')[2].partition('"')[0]
    begin = time.monotonic()
    assert server.request("POST", f"/predictions/{identity}/cancel").status == 200
    answer: dict[str, object] = asked.result
    assert time.monotonic() - begin < 2
    return answer


def test_a_blocking_model_is_interrupted_and_can_clean_up(sync: Server) -> None:
    for how in ("sleep", "busy"):
        answer = cancelled(sync, how)
        assert answer["status"] == "canceled"
        assert "output" not in answer
        assert "cleaning up" in str(answer["logs"])
    assert sync.output(how="quick") == "done"


def test_an_async_model_is_interrupted(serve: Servers) -> None:
    server = serve(ASYNC)
    answer = cancelled(server, "sleep")
    assert (answer["status"], answer["logs"]) == ("canceled", "cleaning up\n")
    assert server.output(how="quick") == "done"


def test_what_does_not_run_cannot_be_cancelled(sync: Server) -> None:
    reply = sync.request("POST", "/predictions/unknown/cancel")
    assert (reply.status, reply.json()) == (404, {})
