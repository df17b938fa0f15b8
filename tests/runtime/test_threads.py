"""A model that blocks, and answers several predictions at a time in threads."""

from __future__ import annotations

import contextlib
import http.client
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import events, send, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import asyncio, os, threading, time
    from typing import Iterator
    from cog import CancelationException, current_scope, streaming

    mine = threading.local()
    together = threading.Barrier(3)

    class Runner:
        async def setup(self):
            await asyncio.sleep(0)
            print("from setup, in", threading.current_thread().name)

        async def healthcheck(self):
            await asyncio.sleep(0)
            return not os.path.exists("ill")

        @streaming
        def run(self, name: str, how: str = "") -> Iterator[str]:
            print("begin", name)
            current_scope().record_metric("name", name)
            mine.calls = getattr(mine, "calls", 0) + 1
            if how == "together":
                together.wait(10)
            if how == "loop":
                try:
                    while True:
                        time.sleep(0.01)
                except CancelationException:
                    print("interrupted", name)
                    raise
            if how == "sleep":
                time.sleep(1)
            if how == "stuck":
                time.sleep(600)
            if how == "fail":
                raise ValueError(name)
            if how == "fork" and os.fork() == 0:
                raise RuntimeError("the child came back")
            for step in range(3):
                time.sleep(0.05)
                print(name, step)
                yield f"{name} {step}"
            yield f"{threading.current_thread().name} {mine.calls}"
    """


@pytest.fixture(scope="module")
def server(keep: Servers) -> Server:
    return keep(SOURCE, COG_THREADS="3", COG_PREDICT_TIMEOUT="20")


def test_predictions_run_side_by_side_and_mix_nothing_up(server: Server) -> None:
    assert server.health["runtime"]["slots"] == 3
    assert "from setup, in MainThread" in server.health["setup"]["logs"]
    asked = {name: server.later(name=name, how="together") for name in "abc"}
    server.wait_for("BUSY")
    answers = {name: each.result for name, each in asked.items()}
    for name, answer in answers.items():
        assert answer["output"][:3] == [f"{name} {step}" for step in range(3)]
        assert answer["logs"] == f"begin {name}\n" + "".join(f"{name} {step}\n" for step in range(3))
        assert answer["metrics"]["name"] == name
    assert len({answer["output"][3].split()[0] for answer in answers.values()}) == 3


def begin(server: Server, name: str, how: str) -> None:
    """Begin a prediction with its name as id, and return when it is in the model."""
    asked = {"id": name, "input": {"name": name, "how": how}}
    assert server.request("POST", "/predictions", asked, Prefer="respond-async").status == 202
    until(lambda: "begin" in server.get(f"/predictions/{name}").get("logs", ""))


def cancelled(server: Server, name: str) -> Any:
    """Cancel a prediction, and return what it is at its end."""
    assert server.request("POST", f"/predictions/{name}/cancel").status == 200
    return server.get(f"/predictions/{name}?wait=5")


def test_beyond_the_threads_there_is_no_room(server: Server) -> None:
    for name in "abc":
        begin(server, name, "loop")
    assert server.health["status"] == "BUSY"
    assert server.request("POST", "/predictions", {"input": {"name": "d"}}).status == 409
    for name in "abc":
        ended = cancelled(server, name)
        assert (ended["status"], ended["logs"]) == ("canceled", f"begin {name}\ninterrupted {name}\n")


def test_threads_stay_and_keep_what_is_theirs(server: Server) -> None:
    said = [server.output(name="x")[3].rsplit(" ", 1) for _ in range(6)]
    names = {thread for thread, _ in said}
    assert len(names) <= 3
    assert max(int(calls) for _, calls in said) >= 2


def test_a_cancel_interrupts_its_own_prediction_only(server: Server) -> None:
    begin(server, "gone", "loop")
    other = server.later(name="other")
    assert cancelled(server, "gone")["status"] == "canceled"
    assert other.result["status"] == "succeeded"
    # The threads are as good as before.
    assert all(server.predict(name="next")["status"] == "succeeded" for _ in range(4))


def test_what_blocks_in_c_is_cancelled_when_it_returns(server: Server) -> None:
    begin(server, "late", "sleep")
    late = cancelled(server, "late")
    assert (late["status"], late["logs"]) == ("canceled", "begin late\n")


def test_a_client_that_goes_away_cancels_its_own(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        send(connection, "POST", "/predictions", {"id": "left", "input": {"name": "left", "how": "loop"}}, {})
        until(lambda: server.health["runtime"]["running"] == 1)
    assert server.get("/predictions/left?wait=5")["status"] == "canceled"


def test_a_failure_leaves_the_others_alone(server: Server) -> None:
    bad, good = server.later(name="bad", how="fail"), server.later(name="good")
    assert bad.result["error"] == "Prediction failed: ValueError: bad"
    assert "ValueError: bad" in bad.result["logs"]
    assert (good.result["status"], "ValueError" in good.result["logs"]) == ("succeeded", False)


def test_items_are_streamed_as_they_come(server: Server) -> None:
    kinds = [kind for kind, _ in events(server, {"input": {"name": "s"}})]
    assert kinds.count("output") == 4
    assert kinds.index("output") < kinds.index("log", kinds.index("output"))


def test_a_child_of_a_fork_does_not_answer(server: Server) -> None:
    forked = server.predict(name="f", how="fork")
    assert (forked["status"], forked["output"][0]) == ("succeeded", "f 0")


def test_a_deadline_replaces_the_worker_of_a_call_that_does_not_return(serve: Servers) -> None:
    server = serve(SOURCE, COG_THREADS="2")
    before = server.health["setup"]
    stuck = server.request(
        "POST", "/predictions", {"input": {"name": "s", "how": "stuck"}, "timeout": 0.2}, timeout=30
    ).json()
    assert stuck["status"] == "failed"
    assert "it ran longer than 0.2 s" in stuck["error"]
    server.wait_for("READY")
    assert server.output(name="next")[0] == "next 0"
    assert server.health["setup"] != before


def test_several_workers_with_threads(serve: Servers) -> None:
    server = serve(SOURCE, COG_THREADS="2", COG_WORKERS="2", COG_QUEUE="10")
    until(lambda: server.health["runtime"]["slots"] == 4)
    asked = [server.later(name=str(number), how="sleep") for number in range(8)]
    until(lambda: (now := server.health["runtime"])["running"] == now["queued"] == 4)
    assert [each.result["status"] for each in asked] == ["succeeded"] * 8


def test_the_model_s_own_check_is_told(serve: Servers) -> None:
    server = serve(SOURCE.replace('"ill"', '"predict.py"'), COG_THREADS="2", wait=False)
    assert server.wait_for("UNHEALTHY")["user_healthcheck_error"].endswith("returned False")
    assert server.output(name="a")[0] == "a 0"


def test_an_async_model_has_no_use_for_them(serve: Servers) -> None:
    server = serve(
        """
        class Runner:
            async def run(self, name: str) -> str:
                return name
        """,
        COG_THREADS="4",
    )
    assert server.health["runtime"]["slots"] == 1
    assert server.output(name="a") == "a"


def test_the_option_of_older_servers_changes_nothing(serve: Servers) -> None:
    server = serve(SOURCE, "--threads", "4")
    assert server.health["runtime"]["slots"] == 1
