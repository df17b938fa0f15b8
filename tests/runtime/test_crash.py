"""A worker that dies."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    import os, signal

    class Runner:
        def run(self, how: str) -> int:
            print("last words")
            if how == "exit":
                os._exit(7)
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            return os.getpid()
    """


@pytest.mark.parametrize(("how", "reason"), [("exit", "exit status 7"), ("kill", "killed by SIGKILL")])
def test_a_crash_fails_the_prediction_and_is_visible(serve: Servers, how: str, reason: str) -> None:
    server = serve(SOURCE)
    body = server.predict(how=how)
    assert (body["status"], body["error"]) == ("failed", f"Prediction failed: Worker crashed ({reason})")
    health = server.health
    assert (health["status"], health["setup"]["status"]) == ("DEFUNCT", "succeeded")
    reply = server.request("POST", "/predictions", {"input": {"how": "again"}})
    assert (reply.status, reply.json()["error"]) == (503, "The worker has crashed")
    assert f"Worker crashed ({reason})" in server.log
    assert server.stop() < 1


def test_an_idle_worker_that_is_killed_is_noticed(serve: Servers) -> None:
    server = serve(SOURCE)
    os.kill(server.output(how="tell"), signal.SIGKILL)
    server.wait_for("DEFUNCT")
    assert server.request("POST", "/predictions", {"input": {"how": "again"}}).status == 503
