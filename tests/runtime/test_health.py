"""The model's own say about its health."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
