"""Models that take apart what they run in: descriptors, signals, forks, threads. (More in ``test_hostile.py``.)"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.runtime.faults.processes import family, look
from tests.runtime.serving import is_gone, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import os, resource, signal, subprocess, sys, threading, time

    class Runner:
        def run(self, how: str = "") -> str:
            if how == "close everything":
                os.closerange(3, 4096)
            if how == "close all output":
                os.close(1); os.close(2)
                sys.stdout.close(); sys.stderr.close()
            if how == "own signals":
                for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                    signal.signal(number, lambda *_: None)
                signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
            if how == "forks that live on":
                for _ in range(3):
                    if os.fork() == 0:
                        time.sleep(600)
                        os._exit(0)
            if how == "forks that raise" and os.fork() == 0:
                raise RuntimeError("in the child")
            if how == "threads that print":
                for _ in range(10):
                    threading.Thread(target=self.chatter).start()
            if how == "no memory":
                resource.setrlimit(resource.RLIMIT_AS, (256 << 20, resource.RLIM_INFINITY))
                try:
                    return str(len(bytearray(4 << 30)))
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            if how == "no descriptors":
                held = []
                try:
                    while True:
                        held.append(os.dup(0))
                finally:
                    for each in held:
                        os.close(each)
            if how == "a huge stack":
                return self.deeper(0)
            if how == "another folder":
                os.chdir("/")
                os.environ.clear()
                sys.path.clear()
            if how == "sleep":
                time.sleep(600)
            return "done"

        def chatter(self):
            for number in range(50):
                print("still here", number)
                time.sleep(0.01)

        def deeper(self, depth):
            sys.setrecursionlimit(10_000)
            return self.deeper(depth + 1)
    """
FAILS = {"no memory": "MemoryError", "no descriptors": "Too many open files", "a huge stack": "RecursionError"}
WAYS = ["close everything", "own signals", "forks that raise", "no descriptors"]
MORE_WAYS = [
    "close all output",
    "forks that live on",
    "threads that print",
    "another folder",
    "no memory",
    "a huge stack",
]


@pytest.mark.parametrize("how", [*WAYS, *(pytest.param(how, marks=pytest.mark.slow) for how in MORE_WAYS)])
def test_the_next_prediction_works_and_can_be_cancelled(serve: Servers, how: str) -> None:
    server = serve(SOURCE)
    answer = server.predict(how=how)
    if how in FAILS:
        assert answer["status"] == "failed"
        assert FAILS[how] in answer["error"]
    elif how == "close everything":
        assert answer == answer | {"status": "failed"}
        server.wait_for("READY")
    else:
        assert answer["output"] == "done"
    assert server.output(how="next") == "done"
    cancel_one(server)
    assert server.output(how="next") == "done"
    pids = family(server.process.pid)[1:]
    assert server.stop() < 10
    until(lambda: all(map(is_gone, pids)))


def cancel_one(server: Server) -> None:
    body = {"id": "late", "input": {"how": "sleep"}}
    assert server.request("POST", "/predictions", body, Prefer="respond-async").status == 202
    time.sleep(0.1)
    assert server.request("POST", "/predictions/late/cancel").status == 200
    assert until(lambda: server.get("/predictions/late")["status"] == "canceled", server)


SLOW = """
    import asyncio
    from cog import Path, concurrent

    class Runner:
        @concurrent(max=8)
        async def run(self, file: Path) -> int:
            await asyncio.sleep(0.15)
            return len(file.read_bytes())
    """


def test_nothing_is_kept_of_requests_that_were_waited_for(serve: Servers) -> None:
    """Each of them is watched by the server for its client's going away, with its body in reach."""
    server = serve(SLOW)
    file = "data:;base64," + "YWJj" * (1 << 18)

    def ask(count: int) -> float:
        for _ in range(count):
            asked = [server.later(file=file) for _ in range(8)]
            assert [each.result["output"] for each in asked] == [3 << 18] * 8
        return look(server.process.pid).memory

    first = ask(2)
    assert ask(8) < first + 40
