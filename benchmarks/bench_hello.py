"""How many requests per second a model that does nothing answers, started from its image.

    python benchmarks/bench_hello.py [--clients 8] [--seconds 2] [--backend oci]

The model is asynchronous and joins two words; its image is built and started by a backend that is here, as
`cog serve` does it. Beside it, in turns, stands an echo of starlette and uvicorn alone: one process, no worker, no
validation. The client shares the cores with the servers, so the numbers are of the whole machine.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Missing, Row, main, place
from sides import PYTHON

import cog_core
from cog_core import process
from cog_core.errors import BackendUnavailable, UnsupportedPlan
from cog_core.predictions import RunOptions
from cog_core.runtime_bundle import prepare
from cog_core.settings import Settings
from cog_core.values import Platform, PythonVersion

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from measure import Place

GOAL = 5000
"""Requests per second, on two cores."""
IMAGE = "cog-bench-hello"
HERE = Path(__file__).resolve().parent
MODEL = "class Runner:\n    async def run(self, name: str) -> str:\n        return 'hello ' + name\n"
Result = dict[str, float]


def bench(options: argparse.Namespace) -> list[Row]:
    """Measure both servers."""
    with place() as here:
        settings = Settings.from_environ(here.environ)
        project = _project(here.folder / "hello", options.clients)
        backend = _build(project, options.backend, settings)
        print(f"started by {backend}")
        try:
            model = cog_core.open_model(IMAGE, backend=backend, settings=settings)
            with (
                cog_core.serving(model, RunOptions(on_line=_show), backend=backend, settings=settings) as served,
                _echo(here, settings) as port,
            ):
                host = served.client.host.strip("[]")
                sides = {"hello": (host, served.client.port), "echo": ("127.0.0.1", port)}
                results = _in_turns(sides, options)
        finally:
            _forget(backend, settings)
    return [_row(results, options.clients), _latency(results, "p50"), _latency(results, "p99")]


def _project(folder: Path, clients: int) -> Path:
    """Write the model; requests that one round leaves behind may still be on their way when the next begins."""
    folder.mkdir()
    (folder / "run.py").write_text(MODEL)
    config = f'build:\n  python_version: "{PYTHON}"\nrun: run.py:Runner\nconcurrency:\n  max: {2 * clients}\n'
    (folder / "cog.yaml").write_text(config)
    return folder


def _build(project: Path, asked: str | None, settings: Settings) -> str:
    """Build the image on the first backend that can, and return its name."""
    reasons = []
    for backend in [asked] if asked else ["oci", "docker"]:
        try:
            return cog_core.build(project, tag=IMAGE, backend=backend, settings=settings).backend
        except (BackendUnavailable, UnsupportedPlan) as error:
            reasons.append(error.message)
    raise Missing("; ".join(reasons))


def _show(_stream: str, line: str) -> None:
    """Print what the model says, which is something only when it fails."""
    print(line, file=sys.stderr)


def _forget(backend: str, settings: Settings) -> None:
    """Remove an engine's image; the embedded backend's lies in the folder that goes away."""
    if backend == "docker":
        from cog_backends.docker.client import connect  # noqa: PLC0415 - only with an engine

        connect(settings).remove(IMAGE)


@contextmanager
def _echo(here: Place, settings: Settings) -> Iterator[int]:
    """Run the echo with the packages of our own server, for this interpreter; yield its port."""
    python = PythonVersion(*sys.version_info[:2])
    platform = Platform.of_this_machine()
    bundle = prepare(python, platform, cache=settings.cache, run=process.run, environ=settings.environ)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    argv = (sys.executable, HERE / "echo.py", bundle.path / "server", str(port))
    running = subprocess.Popen(argv, env=here.environ)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if running.poll() is not None:
                sys.exit("the echo did not start")
            time.sleep(0.05)
        yield port
    finally:
        running.terminate()
        running.wait()


def _in_turns(sides: dict[str, tuple[str, int]], options: argparse.Namespace) -> dict[str, Result]:
    found: dict[str, list[Result]] = {name: [] for name in sides}
    for number in range(options.rounds + 1):
        for name, (host, port) in sides.items():
            argv = (sys.executable, HERE / "load.py", host, str(port), str(options.clients), str(options.seconds))
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr.strip()[-1000:]}")
            if number:
                found[name].append(json.loads(done.stdout))
    return {
        name: {key: statistics.median(result[key] for result in results) for key in results[0]}
        for name, results in found.items()
    }


def _row(results: dict[str, Result], clients: int) -> Row:
    rate, echo = results["hello"]["rate"], results["echo"]["rate"]
    met = rate >= GOAL if os.cpu_count() == 2 else None
    return Row(f"hello, c={clients}", f"{rate:.0f}/s", f"echo {echo:.0f}/s: {rate / echo:.2f}x", f"{GOAL}/s", met=met)


def _latency(results: dict[str, Result], key: str) -> Row:
    ours, echo = results["hello"][key], results["echo"][key]
    return Row(f"  latency {key}", f"{ours * 1000:.2f} ms", f"echo {echo * 1000:.2f} ms")


if __name__ == "__main__":
    main(
        "Requests per second of a model that does nothing.",
        bench,
        ("--clients", {"type": int, "default": 8, "help": "connections at a time (8)"}),
        ("--seconds", {"type": float, "default": 2.0, "help": "length of a round (2)"}),
        ("--backend", {"help": "who builds and starts it: oci or docker; the first that can"}),
    )
