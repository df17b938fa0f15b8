"""The client of bench_hello.py, in a process of its own: ``python load.py HOST PORT CLIENTS SECONDS``.

One event loop, one kept connection for each client, and the next request as soon as the answer is there. Prints one
line of JSON: requests per second, and the latencies' median and 99th percentile in seconds. A wrong answer ends it
with 1.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from typing import cast

BODY = b'{"input":{"name":"world"}}'
REQUEST = (
    b"POST /predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
WARM_UP = 0.3
"""Seconds whose requests do not count."""


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, latencies: list[float], failed: asyncio.Future[None]) -> None:
        self._latencies = latencies
        self._failed = failed
        self._answer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Ask again when the answer is whole: head and body may come one by one."""
        self._answer += data
        head, blank, body = bytes(self._answer).partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200") or b"hello world" not in body:
            self._fail(bytes(self._answer))
            return
        self._latencies.append(time.perf_counter() - self._begin)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """Take it as a wrong answer."""
        self._fail(repr(error).encode())

    def _fail(self, answer: bytes) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(f"not the answer that was expected: {answer[:500]!r}"))

    def _ask(self) -> None:
        self._answer.clear()
        self._begin = time.perf_counter()
        self._transport.write(REQUEST)


async def load(host: str, port: int, clients: int, seconds: float) -> dict[str, float]:
    """Ask for a while, and return what came of it."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    latencies: list[float] = []
    for _ in range(clients):
        await loop.create_connection(lambda: Client(latencies, failed), host, port)
    await asyncio.wait([failed], timeout=WARM_UP)
    latencies.clear()
    started = time.perf_counter()
    await asyncio.wait([failed], timeout=seconds)
    if failed.done():
        failed.result()
    rate = len(latencies) / (time.perf_counter() - started)
    return {"rate": rate, "p50": statistics.median(latencies), "p99": statistics.quantiles(latencies, n=100)[98]}


if __name__ == "__main__":
    try:
        found = asyncio.run(load(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(found))
