"""How many requests per second the server answers: ``python benchmarks/bench_hello.py [--clients 8] [--runs 5]``.

The model is async and adds two strings, has slots enough, and its log goes nowhere. The client is one event loop on
the same cores, so the numbers are of the whole machine; processor time of server and worker is the steadier number.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cog_core.process import run
from cog_core.runtime_bundle import prepare
from cog_core.schema import Mode, dumps, read_model, to_openapi
from cog_core.values import COMPATIBLE_COG_VERSION, Platform, PythonVersion

MODEL = "class Runner:\n    async def run(self, name: str) -> str:\n        return 'hello ' + name\n"
BODY = b'{"input":{"name":"world"}}'
REQUEST = (
    b"POST /predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
TICKS = os.sysconf("SC_CLK_TCK")


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it has an answer; an answer ends with its only closing pair."""

    def __init__(self, latencies: list[float]) -> None:
        self._latencies = latencies

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Note how long the answer took, and ask again."""
        if not data.startswith(b"HTTP/1.1 200") or not data.endswith(b'"succeeded"}'):
            sys.exit(f"not the whole answer that was expected: {data!r}")
        self._latencies.append(time.perf_counter() - self._begin)
        self._ask()

    def _ask(self) -> None:
        self._begin = time.perf_counter()
        self._transport.write(REQUEST)


async def load(port: int, clients: int, seconds: float) -> list[float]:
    """Return the seconds that each request took."""
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(latencies), "127.0.0.1", port) for _ in range(clients)]
    await asyncio.sleep(seconds)
    for transport, _ in made:
        transport.abort()
    return latencies


def start(folder: Path, port: int, clients: int) -> subprocess.Popen[bytes]:
    """Start a server for the model."""
    (folder / "predict.py").write_text(MODEL)
    schema = to_openapi(read_model(folder, "predict.py:Runner", mode=Mode.PREDICT), version=COMPATIBLE_COG_VERSION)
    (folder / "schema.json").write_text(dumps(schema))
    python = PythonVersion(*sys.version_info[:2])
    bundle = prepare(python, Platform.of_this_machine(), cache=folder, run=run, environ=os.environ)
    environ = {
        **os.environ,
        "PORT": str(port),
        "COG_HOST": "127.0.0.1",
        "COG_SCHEMA": "schema.json",
        "COG_PREDICT_TYPE_STUB": "predict.py:Runner",
        # Requests that a run leaves behind are still on their way when the next one begins.
        "COG_MAX_CONCURRENCY": str(2 * clients),
    }
    command = [sys.executable, "-I", "-S", bundle.path / "server" / "__main__.py"]
    process = subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.DEVNULL)
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.05)
    time.sleep(1.5)
    return process


def processor_time(server: int) -> float:
    """Return the seconds that the server and its worker have used (proc(5), ``stat``)."""
    worker = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in (server, *worker)]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


def main() -> None:
    """Measure, and print medians."""
    parser = argparse.ArgumentParser(description="Requests per second of a model that does nothing.")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    with socket.socket() as probe, tempfile.TemporaryDirectory() as name:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        process = start(Path(name), port, options.clients)
        try:
            rates, halves, costs = [], [], []
            for _ in range(options.runs):
                before = processor_time(process.pid)
                latencies = asyncio.run(load(port, options.clients, options.seconds))
                rates.append(len(latencies) / options.seconds)
                halves.append(statistics.median(latencies) * 1e6)
                costs.append((processor_time(process.pid) - before) / len(latencies) * 1e6)
        finally:
            process.terminate()
            process.wait()
    print(f"{'requests/s':>12} {'p50 us':>8} {'cpu us/request':>15}   medians of {options.runs}, c={options.clients}")
    print(f"{statistics.median(rates):12.0f} {statistics.median(halves):8.0f} {statistics.median(costs):15.0f}")
    print("runs:", " ".join(f"{rate:.0f}" for rate in rates))


if __name__ == "__main__":
    main()
