"""A model that prints a gigabyte: the log has a limit that is said, and the server's memory does not grow with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.faults.processes import watched
from tests.runtime.serving import start, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Interpreter, Server

SOURCE = """
    import os, sys
    from typing import Iterator

    LINES = {"long": b"x" * 1023 + b"\\n", "short": b"x" * 15 + b"\\n", "endless": b"x" * 1024}

    class Runner:
        def run(self, how: str, mib: int) -> str:
            if how == "print":
                for _ in range(mib << 10):
                    print("x" * 1023)
            else:
                block = LINES[how] * ((1 << 20) // len(LINES[how]))
                for number in range(mib):
                    os.write(1 + number % 2, block)
            return "done"
    """
LIMIT = 8 << 20
MEMORY = 200.0
"""MiB: the server itself, the logs it keeps (8 MiB, a few times over), and what is on its way."""


@pytest.fixture
def quiet(interpreter: Interpreter, model_folder: Path) -> Iterator[Server]:
    """A server whose own log nobody keeps."""
    write_model(model_folder, SOURCE)
    server = start(interpreter, model_folder, before=("sh", "-c", 'exec "$@" 2>/dev/null', "sh"))
    try:
        server.wait_for_first_start()
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("how", "mib"),
    [
        ("endless", 64),
        pytest.param("long", 1024, marks=pytest.mark.slow),
        pytest.param("print", 256, marks=pytest.mark.slow),
        pytest.param("short", 128, marks=pytest.mark.slow),
        pytest.param("endless", 1024, marks=pytest.mark.slow),
    ],
)
def test_a_flood_of_logs_is_cut_off(quiet: Server, receiver: Receiver, how: str, mib: int) -> None:
    body = {"id": "flood", "input": {"how": how, "mib": mib}, "webhook": receiver.url("/hook")}
    with watched(quiet.process.pid) as peak:
        assert quiet.request("POST", "/predictions", body, Prefer="respond-async").status == 202
        while (answer := quiet.get("/predictions/flood?wait=1"))["status"] == "processing":
            assert quiet.health["status"] in {"BUSY", "READY"}
    assert answer["status"] == "succeeded"
    assert LIMIT <= len(answer["logs"]) < LIMIT + 200
    assert "cut off" in answer["logs"][-200:]
    assert peak.memory < MEMORY
    assert [each["status"] for each in receiver.wait_for_end()].count("succeeded") == 1
    assert quiet.predict(how="long", mib=0)["logs"] == ""
