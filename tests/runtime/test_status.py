"""Asking for predictions, running and over, and for figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import events, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import time
    from typing import Iterator
    from cog import Secret, streaming

    class Runner:
        calls = 0

        @streaming
        def run(self, seconds: float, key: Secret = None) -> Iterator[str]:
            Runner.calls += 1
            print("begun")
            time.sleep(seconds)
            if seconds == 0.25:
                raise ValueError("no")
            yield f"call {Runner.calls}"
    """


@pytest.fixture(scope="module")
def sleeper(keep: Servers) -> Server:
    return keep(SOURCE)


def test_a_prediction_is_shown_while_it_runs_and_when_it_is_over(sleeper: Server) -> None:
    asked = {"input": {"seconds": 0.4, "key": "hidden"}}
    sleeper.request("PUT", "/predictions/one", asked, Prefer="respond-async")
    running = until(lambda: (found := sleeper.get("/predictions/one"))["logs"] and found)
    assert (running["id"], running["status"], running["logs"]) == ("one", "processing", "begun\n")
    assert sleeper.get("/predictions")["results"][0] == {"id": "one", "status": "processing"}
    assert sleeper.get("/predictions/one?wait=0.01")["status"] == "processing"
    ended = sleeper.get("/predictions/one?wait=10")
    assert ended["status"] == "succeeded"
    reply = sleeper.request("GET", "/predictions/one")
    assert reply.json() == ended
    assert b"hidden" not in reply.body
    assert sleeper.get("/predictions")["results"][0] == {"id": "one", "status": "succeeded"}


def test_put_is_idempotent_after_success_and_tries_again_after_failure(sleeper: Server) -> None:
    first = sleeper.request("PUT", "/predictions/once", {"input": {"seconds": 0}})
    again = sleeper.request("PUT", "/predictions/once", {"input": {"seconds": 0}})
    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    (name, data), *more = events(sleeper, {"input": {"seconds": 0}}, method="PUT", path="/predictions/once")
    assert (name, data, more) == ("completed", first.json(), [])
    failed = sleeper.request("PUT", "/predictions/fails", {"input": {"seconds": 0.25}}).json()
    assert failed["status"] == sleeper.get("/predictions/fails")["status"] == "failed"
    assert sleeper.request("PUT", "/predictions/fails", {"input": {"seconds": 0}}).json()["status"] == "succeeded"


def test_what_is_not_known_is_404(sleeper: Server) -> None:
    reply = sleeper.request("GET", "/predictions/nobody")
    assert (reply.status, reply.json()) == (404, {"error": "Prediction not found"})
    for path in ("/predictions/a/b", "/predictions/", "/predictions/..%2F..%2Fetc%2Fpasswd"):
        assert sleeper.request("GET", path).status == 404
    assert sleeper.request("GET", "/predictions/nobody?wait=never").status == 404


def test_the_history_is_bounded(serve: Servers) -> None:
    server = serve(SOURCE, COG_HISTORY="2")
    for name in "abc":
        server.request("PUT", f"/predictions/{name}", {"input": {"seconds": 0}})
    assert [each["id"] for each in server.get("/predictions")["results"]] == ["c", "b"]
    none = serve(SOURCE, COG_HISTORY="0")
    none.request("PUT", "/predictions/a", {"input": {"seconds": 0}})
    assert none.get("/predictions") == {"results": []}
    small = serve(
        "class Runner:\n    def run(self, n: int) -> str:\n        return 'x' * n\n", COG_HISTORY_BYTES="5000"
    )
    for name, size in (("a", 2000), ("b", 9000), ("c", 2000), ("d", 2000)):
        small.request("PUT", f"/predictions/{name}", {"input": {"n": size}})
    assert [each["id"] for each in small.get("/predictions")["results"]] == ["d", "c"]


def test_probes_and_figures(sleeper: Server) -> None:
    assert (sleeper.request("GET", "/livez").status, sleeper.request("GET", "/readyz").status) == (200, 200)
    sleeper.predict(seconds=0.25)
    sleeper.output(seconds=0)
    sleeper.request("POST", "/predictions", {"input": {}})
    reply = sleeper.request("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = reply.body.decode().splitlines()
    values = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
    assert values['cog_predictions_total{kind="prediction",status="succeeded"}'] >= 1
    assert values['cog_predictions_total{kind="prediction",status="failed"}'] >= 1
    assert values['cog_refused_total{code="422"}'] >= 1
    assert values["cog_slots"] == values["cog_workers_ready"] == 1
    counts = [value for name, value in values.items() if name.startswith("cog_predict_seconds_bucket")]
    assert counts == sorted(counts)
    assert counts[-1] == values["cog_predict_seconds_count"]
    described = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    assert all(name.startswith(tuple(described)) for name in values)


SLOW = """
    import time

    class Runner:
        def setup(self):
            time.sleep(30)

        def run(self, n: int) -> int:
            return n
    """


def test_a_server_that_is_not_ready_says_so_to_probes(serve: Servers) -> None:
    server = serve(SLOW, wait=False)
    server.wait_for("STARTING")
    assert (server.request("GET", "/livez").status, server.request("GET", "/readyz").status) == (200, 503)
