"""A queue instead of a refusal, and several workers."""

from __future__ import annotations

import contextlib
import http.client
import time
from typing import TYPE_CHECKING

from tests.runtime.serving import Later, send, until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Servers

SOURCE = """
    import os, time

    class Runner:
        def run(self, seconds: float, name: str = "") -> str:
            print(name)
            time.sleep(seconds)
            return f"{name} {os.getpid()}"
    """


def asked(seconds: float, name: str) -> dict[str, object]:
    return {"id": name, "input": {"seconds": seconds, "name": name}}


def test_those_that_find_no_slot_wait_in_order(serve: Servers) -> None:
    server = serve(SOURCE, COG_QUEUE="2")
    first = server.request("POST", "/predictions", asked(0.5, "a"), Prefer="respond-async")
    assert first.json() == {"id": "a", "status": "starting"}
    second = Later(lambda: server.request("POST", "/predictions", asked(0.2, "b")))
    until(lambda: server.health["runtime"]["queued"] == 1)
    third = server.request("POST", "/predictions", asked(0, "c"), Prefer="respond-async")
    assert (third.status, third.json()) == (202, {"id": "c", "queue_position": 2, "status": "starting"})
    assert server.get("/predictions/c")["queue_position"] == 2
    full = server.request("POST", "/predictions", asked(0, "d"))
    assert (full.status, full.json()["error"]) == (429, "At capacity - the queue is full")
    assert int(full.headers["retry-after"]) >= 1
    answer = second.result.json()
    assert answer["output"].startswith("b ")
    assert answer["logs"] == "b\n"
    assert answer["metrics"]["queue_time"] > 0.2
    assert 0.2 <= answer["metrics"]["predict_time"] < 0.45
    last = server.get("/predictions/c?wait=5")
    assert last["status"] == "succeeded"
    assert last["metrics"]["queue_time"] > answer["metrics"]["queue_time"]


def test_one_that_waits_can_be_cancelled(serve: Servers, receiver: Receiver) -> None:
    server = serve(SOURCE, COG_QUEUE="3")
    server.request("POST", "/predictions", asked(0.6, "a"), Prefer="respond-async")
    waiting = Later(lambda: server.request("POST", "/predictions", {**asked(0, "b"), "webhook": receiver.url()}))
    until(lambda: server.health["runtime"]["queued"] == 1)
    assert server.request("POST", "/predictions/b/cancel").status == 200
    assert waiting.result.json()["status"] == "canceled"
    assert [each["status"] for each in receiver.wait_for_end()] == ["canceled"]
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        send(connection, "POST", "/predictions", asked(0, "c"), {})
        until(lambda: server.health["runtime"]["queued"] == 1)
        time.sleep(0.12)
    until(lambda: server.health["runtime"]["queued"] == 0)
    assert server.get("/predictions/c")["status"] == "canceled"


def test_those_that_wait_are_done_before_the_server_ends(serve: Servers) -> None:
    server = serve(SOURCE, COG_QUEUE="3")
    running = [server.later(seconds=0.2, name=name) for name in "abc"]
    until(lambda: server.health["runtime"]["queued"] == 2)
    assert server.stop() < 3
    assert [each.result["status"] for each in running] == ["succeeded"] * 3


def test_several_workers_run_a_model_that_blocks_side_by_side(serve: Servers) -> None:
    server = serve(SOURCE, COG_WORKERS="3")
    until(lambda: server.health["runtime"]["slots"] == 3)
    begin = time.monotonic()
    running = [server.later(seconds=0.5, name="x") for _ in range(3)]
    server.wait_for("BUSY")
    assert server.request("POST", "/predictions", asked(0, "d")).status == 409
    assert len({each.result["output"] for each in running}) == 3
    assert time.monotonic() - begin < 1.4
    assert server.health["runtime"]["workers_ready"] == 3
    assert server.stop() < 1
