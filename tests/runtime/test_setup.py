"""What happens once, before the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

GOOD = """
    class Runner:
        calls = 0

        def setup(self, weights=None):
            print("loading", weights)
            Runner.calls += 1

        def run(self, n: int) -> int:
            return Runner.calls
    """
BAD = """
    import os, sys, time

    class Runner:
        def setup(self):
            print("trying")
            {}

        def run(self, n: int) -> int:
            return n
    """
ASYNC = """
    import asyncio

    class Runner:
        async def setup(self):
            self.loop = asyncio.get_running_loop()

        async def run(self, n: int) -> bool:
            return self.loop is asyncio.get_running_loop()
    """


def test_setup_runs_once_and_its_prints_are_kept(serve: Servers) -> None:
    server = serve(GOOD, COG_WEIGHTS="w.bin")
    assert [server.output(n=1) for _ in range(3)] == [1, 1, 1]
    setup = server.health["setup"]
    assert setup["status"] == "succeeded"
    assert setup["logs"] == "loading w.bin\n"
    assert setup["started_at"] < setup["completed_at"]


def test_an_async_setup_shares_the_loop_of_the_predictions(serve: Servers) -> None:
    assert serve(ASYNC).output(n=1) is True


FAILURES = [
    ("raise RuntimeError('no weights')", "RuntimeError: no weights"),
    ("sys.exit(4)", "SystemExit: 4"),
    ("os._exit(5)", "worker crashed (exit status 5)"),
    ("os.kill(os.getpid(), 11)", "worker crashed (killed by SIGSEGV)"),
]


def test_a_failure_is_visible_and_the_server_stays(serve: Servers) -> None:
    servers = [serve(BAD.format(statement), wait=False) for statement, _ in FAILURES]
    for server, (_, shown) in zip(servers, FAILURES, strict=True):
        setup = server.wait_for("SETUP_FAILED")["setup"]
        assert setup["status"] == "failed"
        assert setup["logs"].startswith("trying\n")
        assert shown in setup["logs"]
        reply = server.request("POST", "/predictions", {"input": {"n": 1}})
        assert reply.status == 503
        assert reply.json()["error"].startswith("Setup has not finished yet.")
    assert servers[0].stop() < 1


def test_a_worker_that_ends_before_it_says_a_word_is_a_failure_of_setup(serve: Servers) -> None:
    servers = [serve(GOOD, wait=False, COG_WORKER_COMMAND="/bin/false") for _ in range(5)]
    for server in servers:
        assert "worker crashed (exit status 1)" in server.wait_for("SETUP_FAILED")["setup"]["logs"]
        assert "Traceback" not in server.log


def test_a_file_that_cannot_be_imported_is_a_failure_of_setup(serve: Servers) -> None:
    server = serve(GOOD.replace("class Runner", "import no_such_package\n\n    class Runner"), wait=False)
    assert "No module named 'no_such_package'" in server.wait_for("SETUP_FAILED")["setup"]["logs"]


def test_setup_has_a_time_limit_where_one_is_set(serve: Servers) -> None:
    server = serve(BAD.format("time.sleep(30)"), wait=False, COG_SETUP_TIMEOUT="0.5")
    assert "worker setup timed out" in server.wait_for("SETUP_FAILED")["setup"]["logs"]


def test_until_setup_is_over_requests_are_refused(serve: Servers) -> None:
    server = serve(BAD.format("time.sleep(30)"), wait=False)
    assert server.wait_for("STARTING")["setup"]["status"] == "starting"
    assert server.request("GET", "/openapi.json").status == 200
    assert server.request("POST", "/predictions", {"input": {"n": 1}}).status == 503
    assert server.stop() < 1


def test_a_blocking_model_cannot_be_concurrent(serve: Servers) -> None:
    server = serve(GOOD, wait=False, COG_MAX_CONCURRENCY="4")
    assert "COG_MAX_CONCURRENCY > 1 requires an async" in server.wait_for("SETUP_FAILED")["setup"]["logs"]


METHODS = [
    ("class Runner(BasePredictor):", "predict"),
    ("class Runner(BaseRunner):", "run"),
]


def test_of_two_methods_the_base_class_names_the_one(serve: Servers) -> None:
    both = """
from cog import BasePredictor, BaseRunner

{}
    def run(self, n: int) -> str:
        return "run"

    def predict(self, n: int) -> str:
        return "predict"
"""
    servers = [serve(both.format(head), wait=False) for head, _ in METHODS]
    for server in servers:
        server.wait_for("READY")
    assert [server.output(n=1) for server in servers] == [name for _, name in METHODS]


def test_the_logs_of_setup_have_a_limit_and_say_so(serve: Servers) -> None:
    server = serve(
        BAD.format("print('x' * 5000, flush=True); print('y' * 5000, flush=True)"), COG_MAX_LOG_BYTES="2000"
    )
    logs = server.health["setup"]["logs"]
    kept, _, rest = logs.partition("\n[")
    assert kept == "trying\n" + "x" * (2000 - len("trying\n"))
    assert rest == "the logs of setup are cut off here: they reached the limit]\n"


def test_setup_that_fails_after_its_logs_were_cut_says_why(serve: Servers) -> None:
    server = serve(BAD.format("raise RuntimeError('no ' * 3000 + 'weights')"), wait=False, COG_MAX_LOG_BYTES="50")
    logs = server.wait_for("SETUP_FAILED")["setup"]["logs"]
    assert "are cut off here" in logs
    assert logs.endswith("weights\n")
