"""Workers that die, and those that take their place."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import is_gone, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import ctypes, os, signal, time

    class Runner:
        def setup(self):
            print("setting up")

        def run(self, how: str) -> int:
            print("last words")
            if how == "exit":
                os._exit(7)
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "segfault":
                ctypes.string_at(0)
            if how == "sleep":
                time.sleep(30)
            return os.getpid()
    """
ASYNC = """
    import asyncio, os
    from cog import concurrent

    class Runner:
        @concurrent(max=4)
        async def run(self, how: str) -> int:
            if how == "exit":
                os._exit(7)
            await asyncio.sleep(30 if how == "sleep" else 0)
            return os.getpid()
    """
ENDS = [("exit", "exit status 7"), ("kill", "killed by SIGKILL"), ("segfault", "killed by SIGSEGV")]


@pytest.mark.parametrize(("how", "reason"), ENDS)
def test_a_crash_fails_the_prediction_and_the_next_one_succeeds(serve: Servers, how: str, reason: str) -> None:
    server = serve(SOURCE)
    first = server.output(how="tell")
    body = server.predict(how=how)
    assert (body["status"], body["error"]) == ("failed", f"Prediction failed: Worker crashed ({reason})")
    assert "last words" in body["logs"]
    begin = time.monotonic()
    assert server.output(how="again") != first
    assert time.monotonic() - begin < 1
    assert f"Worker crashed ({reason})" in server.log
    health = server.health
    assert (health["status"], health["runtime"]["restarts"]) == ("READY", 1)
    assert health["setup"]["logs"] == "setting up\n"
    assert server.stop() < 1


def test_an_idle_worker_that_is_killed_is_replaced(serve: Servers) -> None:
    server = serve(SOURCE)
    os.kill(server.output(how="tell"), signal.SIGKILL)
    until(lambda: server.health["runtime"]["restarts"] == 1)
    server.wait_for("READY")
    assert server.output(how="tell")


def test_all_predictions_of_a_worker_that_dies_fail_each_once(serve: Servers) -> None:
    server = serve(ASYNC)
    sleeping = [server.later(how="sleep") for _ in range(3)]
    until(lambda: server.health["runtime"]["running"] == 3)
    server.predict(how="exit")
    assert [each.result["error"] for each in sleeping] == ["Prediction failed: Worker crashed (exit status 7)"] * 3
    assert server.output(how="again")


def test_a_worker_that_keeps_dying_is_given_up(serve: Servers) -> None:
    server = serve(SOURCE, COG_MAX_RESTARTS="1")
    server.predict(how="exit")
    server.predict(how="exit")
    assert server.health["status"] == "DEFUNCT"
    reply = server.request("POST", "/predictions", {"input": {"how": "again"}})
    assert (reply.status, reply.json()["error"]) == (503, "The worker has crashed")
    assert server.stop() < 1


def test_success_in_between_is_no_reason_to_give_up(serve: Servers) -> None:
    server = serve(SOURCE, COG_MAX_RESTARTS="1")
    for _ in range(3):
        assert server.predict(how="exit")["status"] == "failed"
        assert server.output(how="fine")


FRAGILE = """
    import os, time

    class Runner:
        def setup(self):
            time.sleep({pause})
            if os.path.exists("broken"):
                os.remove("broken")
                raise RuntimeError("not today")

        def run(self, n: int) -> int:
            if n == 0:
                open("broken", "w").close()
            if n <= 0:
                os._exit(1)
            return n
    """


def test_a_setup_that_fails_the_second_time_is_tried_again(serve: Servers) -> None:
    server = serve(FRAGILE.format(pause=0))
    server.predict(n=0)
    until(lambda: "not today" in server.log)
    server.wait_for("READY")
    assert server.output(n=2) == 2
    assert len(_children(server)) == 1


def test_while_a_worker_is_started_again_requests_wait_as_many_as_there_are_slots(serve: Servers) -> None:
    server = serve(FRAGILE.format(pause=0.7))
    server.predict(n=-1)
    health = server.health
    assert (health["status"], health["setup"]["status"]) in {("STARTING", "starting"), ("STARTING", "succeeded")}
    waiting = server.later(n=3)
    until(lambda: server.health["runtime"]["queued"] == 1)
    assert server.request("POST", "/predictions", {"input": {"n": 4}}).status == 409
    answer = waiting.result
    assert answer["output"] == 3
    assert answer["metrics"]["queue_time"] > 0.1


def _children(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def test_nothing_stays_of_those_that_died(serve: Servers) -> None:
    server = serve(SOURCE, COG_MAX_RESTARTS="100")
    server.predict(how="exit")
    server.output(how="fine")
    held = _open_files(server)
    for _ in range(5):
        server.predict(how="exit")
        server.output(how="fine")
    until(lambda: _open_files(server) <= held)
    assert len(_children(server)) == 1


SLOW_SETUP = """
    import os, time

    class Runner:
        def setup(self):
            with open("pid", "w") as file:
                file.write(str(os.getpid()))
            time.sleep(60)

        def run(self, n: int) -> int:
            return n
    """


def test_a_worker_ends_with_a_server_that_is_killed_during_setup(serve: Servers, model_folder: Path) -> None:
    server = serve(SLOW_SETUP, wait=False)
    pid = int(until(lambda: (model_folder / "pid").exists() and (model_folder / "pid").read_text()))
    server.process.kill()
    server.process.wait()
    until(lambda: is_gone(pid))


UNCAUGHT = """
    import signal

    class Runner:
        def run(self, n: int) -> int:
            signal.signal(signal.SIGALRM, self.late)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            return n

        def late(self, *_):
            raise TimeoutError("too late")
    """
UNCAUGHT_ASYNC = """
    import asyncio, sys

    class Runner:
        async def run(self, n: int) -> int:
            asyncio.get_running_loop().call_later(0.1, sys.exit, 3)
            return n
    """


@pytest.mark.parametrize(
    ("source", "reason", "last"),
    [
        (UNCAUGHT, "exit status 1", "TimeoutError: too late"),
        (UNCAUGHT_ASYNC, "exit status 3", "SystemExit: 3"),
    ],
    ids=["blocking", "async"],
)
def test_a_worker_that_ends_between_predictions_says_how(serve: Servers, source: str, reason: str, last: str) -> None:
    server = serve(source)
    assert server.output(n=1) == 1
    until(lambda: "Worker crashed" in server.log, server)
    assert f'"reason":"{reason}"' in server.log
    assert last in server.log
    server.wait_for("READY")


ONE_FAILS = """
    import os, time

    class Runner:
        def setup(self):
            try:
                os.close(os.open("first", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                time.sleep(1)
            else:
                raise RuntimeError("not today")

        def run(self, how: str) -> int:
            return os.getpid()
    """


def test_a_worker_whose_first_setup_fails_is_started_again_once_another_is_ready(serve: Servers) -> None:
    server = serve(ONE_FAILS, COG_WORKERS="2")
    assert "not today" in server.log
    until(lambda: server.health["runtime"]["workers_ready"] == 2, server)
    assert server.health["runtime"]["restarts"] == 1
    assert len(_children(server)) == 2


def _script(serve: Servers, path: Path) -> Path:
    """Write a program that is our own worker."""
    (pid,) = _children(serve(SOURCE))
    program = Path(f"/proc/{pid}/cmdline").read_text("utf-8").split("\0")[:2]
    path.write_text(f'#!/bin/sh\nexec {" ".join(program)} "$@"\n', "utf-8")
    path.chmod(0o755)
    return path


def test_a_worker_that_cannot_be_started_is_tried_again_and_leaves_nothing(serve: Servers, tmp_path: Path) -> None:
    script = _script(serve, tmp_path / "worker.sh")
    server = serve(SOURCE, COG_WORKER_COMMAND=str(script), COG_MAX_RESTARTS="20")
    server.output(how="fine")
    held = _open_files(server)
    away = script.rename(tmp_path / "away.sh")
    server.predict(how="exit")
    until(lambda: server.log.count("The worker cannot be started again") >= 3, server)
    assert server.health["status"] == "STARTING"
    away.rename(script)
    waiting = server.later(how="again")
    assert waiting.result["status"] == "succeeded"
    until(lambda: _open_files(server) <= held)


def test_a_worker_that_can_never_be_started_is_given_up(serve: Servers, tmp_path: Path) -> None:
    script = _script(serve, tmp_path / "worker.sh")
    server = serve(SOURCE, COG_WORKER_COMMAND=str(script), COG_MAX_RESTARTS="2")
    script.unlink()
    server.predict(how="exit")
    server.wait_for("DEFUNCT")
    assert server.log.count("The worker cannot be started again") == 2
    assert server.log.count("The worker is not started again") == 1
    assert server.request("POST", "/predictions", {"input": {"how": "again"}}).status == 503
