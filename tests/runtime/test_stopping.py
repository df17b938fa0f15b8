"""How a server ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.runtime.serving import is_gone, start, until, write_model

if TYPE_CHECKING:
    from tests.runtime.serving import Interpreter, Servers

NOBODY = 65534
READER = """
    from cog import Path

    class Runner:
        def run(self, file: Path) -> str:
            return file.read_text()
    """
SLEEPER = """
    import os, subprocess, time

    class Runner:
        def run(self, seconds: float) -> str:
            if seconds < 0:
                return str(subprocess.Popen(["sleep", "60"]).pid)
            time.sleep(seconds)
            return "rested"
    """


def test_an_idle_server_stops_within_a_second_of_sigterm(serve: Servers) -> None:
    server = serve(SLEEPER)
    assert server.output(seconds=0) == "rested"
    assert server.stop() < 1
    assert "crashed" not in server.log


def test_open_connections_do_not_keep_the_server(serve: Servers) -> None:
    server = serve(SLEEPER)
    idle = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(idle):
        idle.request("GET", "/health-check")
        idle.getresponse().read()
        assert server.stop() < 1
    other = serve(SLEEPER)
    with socket.create_connection(("127.0.0.1", other.port)) as stalled:
        stalled.sendall(b"POST /predictions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        time.sleep(0.1)
        assert other.stop() < 5


def test_a_busy_server_answers_first(serve: Servers) -> None:
    server = serve(SLEEPER)
    asked = server.later(seconds=0.6)
    server.wait_for("BUSY")
    server.tell(signal.SIGTERM)
    assert asked.result["output"] == "rested"
    assert server.process.wait(2) == 0


def test_a_second_signal_ends_what_is_running(serve: Servers) -> None:
    server = serve(SLEEPER)
    asked = server.later(seconds=60)
    server.wait_for("BUSY")
    server.tell(signal.SIGTERM)
    time.sleep(0.1)
    server.tell(signal.SIGINT)
    assert asked.result["status"] == "failed"
    assert server.process.wait(3) == 0


def test_shutdown_by_request(serve: Servers) -> None:
    server = serve(SLEEPER)
    reply = server.request("POST", "/shutdown")
    assert (reply.status, reply.json()) == (200, {})
    assert server.process.wait(2) == 0


def test_an_explicit_shutdown_can_be_awaited(serve: Servers) -> None:
    server = serve(SLEEPER, "--await-explicit-shutdown=true")
    server.tell(signal.SIGTERM)
    time.sleep(0.2)
    assert server.output(seconds=0) == "rested"
    server.request("POST", "/shutdown")
    assert server.process.wait(2) == 0


def test_a_server_that_has_hardly_begun_stops_too(serve: Servers) -> None:
    server = serve(SLEEPER, wait=False)
    pid = server.process.pid
    until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text())
    assert server.stop() < 1


def test_what_the_model_started_ends_with_the_server(serve: Servers) -> None:
    server = serve(SLEEPER)
    pid = int(server.output(seconds=-1))
    assert server.stop() < 1
    until(lambda: is_gone(pid))


AS_FIRST = """
    import os, subprocess

    class Runner:
        def run(self, orphans: int) -> int:
            if orphans:
                subprocess.run(["sh", "-c", "for i in 1 2 3; do sleep 0.1 & done"], check=True)
            return sum(1 for pid in os.listdir("/proc") if pid.isdigit() and zombie(pid))

    def zombie(pid):
        try:
            with open(f"/proc/{pid}/status") as status:
                return "State:\\tZ" in status.read()
        except OSError:
            return False
    """


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare(1) is not here")
def test_the_first_process_of_a_container_collects_orphans_and_stops(
    interpreter: Interpreter, model_folder: Path
) -> None:
    first = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child=TERM")
    if subprocess.run([*first, "true"], check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    write_model(model_folder, AS_FIRST)
    server = start(interpreter, model_folder, before=first)
    try:
        server.wait_for("READY")
        server.predict(orphans=1)
        time.sleep(0.3)
        assert server.output(orphans=0) == 0
        (child,) = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        begin = time.monotonic()
        os.kill(int(child), signal.SIGTERM)
        server.process.wait(5)
        assert time.monotonic() - begin < 1
    finally:
        server.end()


def find_system_python(series: str) -> Path:
    """Return a Python that every user may run."""
    for folder in ("/usr/local/bin", "/usr/bin"):
        python = Path(folder, f"python{series}")
        if python.exists():
            return python
    pytest.skip(f"the system has no Python {series}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_serve_from_a_bundle_that_is_read_only(interpreter: Interpreter) -> None:
    python = find_system_python(interpreter.series)
    with tempfile.TemporaryDirectory(prefix="cog-test-") as name:
        home = Path(name)
        folder, bundle = home / "src", home / "opt" / "cog"
        folder.mkdir()
        write_model(folder, READER)
        shutil.copytree(interpreter.bundle, bundle, ignore=shutil.ignore_patterns("__pycache__"))
        home.chmod(0o755)
        main = ("-I", "-S", str(bundle / "server" / "__main__.py"))
        server = start(
            attrs.evolve(interpreter, path=python), folder, command=main, user=NOBODY, PYTHONPYCACHEPREFIX=""
        )
        try:
            server.wait_for("READY")
            assert server.output(file="data:text/plain;base64,YWJj") == "abc"
            assert server.stop() < 1
        finally:
            server.end()
        assert not list(bundle.rglob("__pycache__"))
