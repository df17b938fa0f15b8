"""kill -9 of the server while predictions run: nobody stays behind, and the next server removes their files."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.runtime.faults.processes import children, family
from tests.runtime.serving import is_gone, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.serving import Server, Servers

PRELUDE = """
    import asyncio, multiprocessing, os, subprocess, threading, time
    from cog import Path, concurrent

    def start_others():
        subprocess.Popen(["sleep", "600"])
        subprocess.Popen(["sh", "-c", "sleep 600; true"])
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()
        threading.Thread(target=time.sleep, args=(600,)).start()
    """
ASYNC = f"""{PRELUDE}
    class Runner:
        def setup(self):
            start_others()

        @concurrent(max=8)
        async def run(self, file: Path, seconds: float = 600) -> str:
            await asyncio.sleep(seconds)
            return file.read_text()
    """
BLOCKING = f"""{PRELUDE}
    class Runner:
        def run(self, file: Path, seconds: float = 600) -> str:
            if seconds > 1:
                start_others()
            time.sleep(seconds)
            return file.read_text()
    """
FILE = "data:text/plain;base64,YWJj"
OTHERS = 5
"""Processes that the model starts: two programs, what one of them starts, a fork, and the worker itself."""


def begin(server: Server, count: int) -> None:
    """Let predictions run that do not end."""
    for number in range(count):
        body = {"id": f"job-{number}", "input": {"file": FILE}}
        assert server.request("POST", "/predictions", body, Prefer="respond-async").status == 202
    until(lambda: server.health["runtime"]["running"] == count, server)


@pytest.mark.parametrize(("source", "count"), [(ASYNC, 8), (BLOCKING, 1)], ids=["async", "blocking"])
def test_the_worker_and_what_it_started_are_gone(serve: Servers, tmp_path: Path, source: str, count: int) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(source, TMPDIR=str(temporary))
    begin(server, count)
    until(lambda: len(list(temporary.iterdir())) == count, server)
    pids = until(lambda: len(found := family(server.process.pid)[1:]) >= OTHERS and found, server)
    server.process.kill()
    server.process.wait()
    until(lambda: all(map(is_gone, pids)))
    assert len(list(temporary.iterdir())) <= count
    again = serve(source, TMPDIR=str(temporary))
    assert again.output(file=FILE, seconds=0) == "abc"
    until(lambda: list(temporary.iterdir()) == [], again)


def test_a_server_that_starts_leaves_the_files_of_others_alone(serve: Servers, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    strangers = [temporary / "cog-inputs", temporary / "cog-other", temporary / "file"]
    for stranger in strangers:
        stranger.mkdir()
    (temporary / "cog-inputs-link").symlink_to(tmp_path)
    (temporary / "cog-inputs-file").write_bytes(b"a file")
    (temporary / "cog-inputs-stale").mkdir()
    (temporary / "cog-inputs-stale" / "x").write_bytes(b"x")
    first = serve(ASYNC, TMPDIR=str(temporary))
    slow = first.later(file=FILE, seconds=2)
    until(lambda: len(list(temporary.glob("cog-inputs-*-*"))) == 1, first)
    second = serve(ASYNC, TMPDIR=str(temporary))
    until(lambda: not (temporary / "cog-inputs-stale").exists(), second)
    (worker,) = children(second.process.pid)
    os.kill(worker, signal.SIGKILL)
    until(lambda: second.health["runtime"]["restarts"] == 1, second)
    assert second.output(file=FILE, seconds=0) == "abc"
    assert slow.result["output"] == "abc"
    left = {each.name for each in temporary.iterdir()}
    assert left == {*(stranger.name for stranger in strangers), "cog-inputs-link", "cog-inputs-file"}
