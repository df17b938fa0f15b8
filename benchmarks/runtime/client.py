"""The load of the runtime's benchmark, in a process of its own: ``python client.py PLAN``, the plan being JSON.

It must not be the bottleneck: no event loop, no parser, two system calls and some ten microseconds for an answer.
Prints one line of JSON. An answer that is neither a success nor a 409 ends it with 1.
"""

from __future__ import annotations

import json
import select
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any

WARM_UP = 20
"""Answers that do not count."""
_AT_ONCE = 1 << 20
_HEAD = b"\r\n\r\n"
_GOOD = b'"status":"succeeded"}'


class Failed(Exception):
    """An answer that nobody expected."""


class Tally:
    """What was answered."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self.refused_after_success = 0

    def take(self, answer: bytes, seconds: float, *, after_success: bool) -> bool:
        """Count an answer; return whether it was a success.

        Raises:
            Failed: It was something else than a success or a 409.
        """
        status = answer[9:12]
        if status == b"200" and _GOOD in answer[-64:]:
            self.latencies.append(seconds)
            return True
        if status != b"409":
            raise Failed(f"not the answer that was expected: {answer[:200]!r} ... {answer[-200:]!r}")
        self.refused += 1
        self.refused_after_success += after_success
        return False

    def result(self, seconds: float) -> dict[str, float]:
        """Return rates and latencies of the successes."""
        return {
            "rate": len(self.latencies) / seconds,
            "p50": statistics.median(self.latencies),
            "p99": statistics.quantiles(self.latencies, n=100)[98],
            "answers": len(self.latencies),
            "refused": self.refused,
            "refused_after_success": self.refused_after_success,
        }


def is_whole(answer: bytes | bytearray) -> bool:
    """Return whether all of an answer is there: one with a length, or one in chunks."""
    head = answer.find(_HEAD)
    if head < 0:
        return False
    at = answer.find(b"content-length: ", 0, head)
    if at < 0:
        return answer.endswith(b"\r\n0\r\n\r\n")
    return len(answer) - head - len(_HEAD) >= int(answer[at + 16 : answer.find(b"\r", at)])


def request(plan: dict[str, Any]) -> bytes:
    """Return the request that is sent again and again."""
    body = Path(plan["body"]).read_bytes()
    accept = b"Accept: text/event-stream\r\n" if plan["events"] else b""
    head = b"POST /predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return b"%s%sContent-Length: %d\r\n\r\n%s" % (head, accept, len(body), body)


def connect(port: int) -> socket.socket:
    """Return a connection that sends what it is given at once."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock: socket.socket) -> bytes:
    """Wait for one whole answer."""
    answer = sock.recv(_AT_ONCE)
    if is_whole(answer):
        return answer
    more = bytearray(answer)
    while not is_whole(more):
        data = sock.recv(_AT_ONCE)
        if not data:
            raise Failed(f"the connection ended after {bytes(more[:200])!r}")
        more += data
    return bytes(more)


def one_after_the_other(plan: dict[str, Any]) -> dict[str, float]:
    """Ask one by one until there are as many successes as the plan wants, and some before that do not count.

    With ``fresh`` each request has a connection of its own, which is part of the time; ``pause`` is seconds between
    an answer and the next request, and no pause also means to ask again at once after a 409.
    """
    data, pause, fresh = request(plan), plan["pause"], plan["fresh"]
    tally, success = Tally(), False
    sock = connect(plan["port"])
    started = time.perf_counter()
    wanted = plan["count"] + WARM_UP
    while len(tally.latencies) < wanted:
        if pause:
            time.sleep(pause)
        begin = time.perf_counter()
        if fresh:
            sock.close()
            sock = connect(plan["port"])
        sock.sendall(data)
        answer = receive(sock)
        success = tally.take(answer, time.perf_counter() - begin, after_success=success)
    seconds = time.perf_counter() - started
    del tally.latencies[:WARM_UP]
    return tally.result(seconds)


def many_at_a_time(plan: dict[str, Any]) -> dict[str, float]:
    """Keep as many requests on their way as there are clients, until the time is over or there are enough answers."""
    data = request(plan)
    poll = select.epoll()
    connections = {sock.fileno(): sock for sock in (connect(plan["port"]) for _ in range(plan["clients"]))}
    tally, begun, rest = Tally(), {}, dict.fromkeys(connections, b"")
    good = dict.fromkeys(connections, False)
    started = time.perf_counter()
    end, most = started + plan["seconds"], plan["count"] or sys.maxsize
    for number, sock in connections.items():
        poll.register(number, select.EPOLLIN)
        begun[number] = time.perf_counter()
        sock.send(data)
    now = started
    while now < end and len(tally.latencies) < most:
        for number, _ in poll.poll(1):
            sock = connections[number]
            answer = rest[number] + sock.recv(_AT_ONCE)
            if not answer:
                raise Failed("a connection ended")
            if not is_whole(answer):
                rest[number] = answer
                continue
            rest[number] = b""
            now = time.perf_counter()
            good[number] = tally.take(answer, now - begun[number], after_success=good[number])
            begun[number] = now
            sock.send(data)
    return tally.result(now - started)


def main() -> None:
    """Do what the plan says."""
    plan = json.loads(sys.argv[1])
    found = one_after_the_other(plan) if plan["clients"] == 1 else many_at_a_time(plan)
    cpu = time.process_time()
    print(json.dumps({**found, "client_cpu": cpu / max(1, found["answers"] + found["refused"])}))


if __name__ == "__main__":
    try:
        main()
    except (Failed, OSError) as error:
        sys.exit(str(error))
