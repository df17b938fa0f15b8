"""Load on a server, from a process of its own: wrk's where it is installed and many clients ask, else ours."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servers import Running

Found = dict[str, float]

WRK = shutil.which("wrk")
"""It takes a tenth of the processor time of a client in Python, and the cores are shared with the servers."""
_HERE = Path(__file__).resolve().parent


def ask(running: Running, **plan: Any) -> Found:
    """Put load on a server; return what the client saw, and what the server took for each answer.

    Args:
        running: The server.
        plan: What client.py takes.
    """
    usual = {"clients": 1, "seconds": 0, "count": 0, "pause": 0, "events": False, "fresh": False}
    full = {**usual, "port": running.port, "body": str(running.folder / "body.json"), **plan}
    by_time = full["clients"] > 1 and not full["count"]
    before = running.cpu
    found = _by_wrk(WRK, full) if WRK and by_time else _by_our_own(full)
    return {**found, "cpu": (running.cpu - before) / found["answers"]}


def _by_our_own(plan: Mapping[str, Any]) -> Found:
    found: Found = json.loads(_output((sys.executable, _HERE / "client.py", json.dumps(plan))))
    return found


def _by_wrk(wrk: str, plan: Mapping[str, Any]) -> Found:
    seconds = f"-d{math.ceil(plan['seconds'])}s"
    address = f"http://127.0.0.1:{plan['port']}/predictions"
    argv = (wrk, "-t1", f"-c{plan['clients']}", seconds, "-s", _HERE / "wrk.lua", address)
    found: Found = json.loads(_output(argv, BODY=plan["body"]).splitlines()[-1])
    if found["failed"]:
        sys.exit(f"{found['failed']:.0f} requests got no answer")
    return {**found, "rate": found["answers"] / found["seconds"]}


def _output(argv: Sequence[str | Path], **variables: str) -> str:
    done = subprocess.run(argv, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{Path(argv[0]).name}: {done.stderr.strip()[-1000:]}")
    return done.stdout
