"""The model's own say about its health."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import Later

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    import asyncio, os, time

    class Runner:
        def run(self, n: int) -> int:
            return n

        {check}
    """


CHECKS = [
    ("def healthcheck(self): return False", "Healthcheck failed: user-defined healthcheck returned False"),
    ("async def healthcheck(self): return False", "Healthcheck failed: user-defined healthcheck returned False"),
    ("def healthcheck(self): raise RuntimeError('ill')", "Healthcheck failed: RuntimeError: ill"),
]


def test_a_model_can_call_itself_unhealthy(serve: Servers) -> None:
    servers = [serve(SOURCE.format(check=check), wait=False) for check, _ in CHECKS]
    for server, (_, problem) in zip(servers, CHECKS, strict=True):
        assert server.wait_for("UNHEALTHY")["user_healthcheck_error"] == problem
        assert server.output(n=1) == 1


def test_everything_else_counts_as_healthy(serve: Servers) -> None:
    server = serve(SOURCE.format(check="def healthcheck(self): return None"))
    assert "user_healthcheck_error" not in server.health


SLOW = """
    import time

    class Runner:
        checks = 0

        def run(self, n: float) -> int:
            time.sleep(n)
            return Runner.checks

        def healthcheck(self) -> bool:
            Runner.checks += 1
            time.sleep(0.5)
            return Runner.checks < 4
    """


def test_checks_that_are_asked_for_at_once_are_one(serve: Servers) -> None:
    server = serve(SLOW)
    before = server.output(n=0)
    asked = [Later(lambda: server.health["status"]) for _ in range(5)]
    assert {each.result for each in asked} == {"READY"}
    assert server.output(n=0) - before in {1, 2}


def test_a_model_that_works_can_be_ill(serve: Servers) -> None:
    server = serve(SLOW, COG_MAX_CONCURRENCY="1")
    server.request("PUT", "/predictions/long", {"input": {"n": 8}}, Prefer="respond-async")
    assert server.wait_for("BUSY")["runtime"]["running"] == 1
    assert server.wait_for("UNHEALTHY")["runtime"]["running"] == 1


@pytest.mark.slow
def test_a_check_has_five_seconds(serve: Servers) -> None:
    server = serve(SOURCE.format(check="def healthcheck(self): time.sleep(60)"), wait=False)
    found = server.wait_for("UNHEALTHY")["user_healthcheck_error"]
    assert found == "Healthcheck failed: user-defined healthcheck timed out after 5.0 seconds"


@pytest.mark.skipif(not os.access("/var/run", os.W_OK), reason="/var/run cannot be written to")
def test_in_kubernetes_a_file_says_when_the_model_is_ready(serve: Servers) -> None:
    mark = Path("/var/run/cog/ready")
    mark.unlink(missing_ok=True)
    try:
        serve(SOURCE.format(check="pass"))
        assert not mark.exists()
        serve(SOURCE.format(check="pass"), KUBERNETES_SERVICE_HOST="10.0.0.1")
        assert mark.exists()
    finally:
        mark.unlink(missing_ok=True)


HUNG = """
    import asyncio, threading, time

    class Runner:
        started = 0

        {kind} run(self, n: int) -> list:
            return [Runner.started, sum(each.name == "cog-health" for each in threading.enumerate())]

        {kind} healthcheck(self) -> bool:
            Runner.started += 1
            if Runner.started > 1:
                {hang}
            return True
    """


@pytest.mark.parametrize(
    ("kind", "hang"),
    [("def", "time.sleep(600)"), ("async def", "await asyncio.sleep(600)")],
    ids=["blocking", "async"],
)
def test_a_check_that_hangs_is_not_begun_again(serve: Servers, kind: str, hang: str) -> None:
    server = serve(HUNG.format(kind=kind, hang=hang), wait=False)
    found = server.wait_for("UNHEALTHY")["user_healthcheck_error"]
    assert found == "Healthcheck failed: user-defined healthcheck timed out after 5.0 seconds"
    earlier = "Healthcheck failed: an earlier user-defined healthcheck has not returned yet"
    assert [server.health["user_healthcheck_error"] for _ in range(2)] == [earlier] * 2
    assert server.output(n=1) == [2, 1]
    assert server.stop() < 2
