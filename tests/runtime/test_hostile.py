"""Requests and models that mean no good: the server lives, and every prediction ends once."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import os, signal, sys, threading, time
    from typing import Any, Optional

    class Runner:
        def run(self, how: str = "", value: Optional[Any] = None) -> str:
            if how == "close":
                os.close(1)
                os.close(2)
            if how == "fork" and os.fork() == 0:
                return "from the child"
            if how == "signals":
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD):
                    signal.signal(number, signal.SIG_IGN)
            if how == "threads":
                for _ in range(20):
                    threading.Thread(target=time.sleep, args=(60,)).start()
            if how == "streams":
                sys.stdout = sys.stderr = None
            if how == "flood":
                line = b"x" * 1023 + b"\\n"
                for _ in range(64):
                    os.write(1, line * 1024)
            if how == "exit":
                sys.exit("bye")
            return "done"
    """
BODIES = {
    "deep": b'{"input":{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "deep objects": b'{"input":{"value":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}",
    "nan": b'{"input":{"value":NaN}}',
    "huge number": b'{"input":{"value":' + b"9" * 5000 + b"}}",
    "huge exponent": b'{"input":{"value":1e999999}}',
    "half a character": b'{"input":{"how":"\\ud800"}}',
    "duplicate keys": b'{"input":{"how":"a","how":"b"},"input":{}}',
    "no utf-8": b'{"input":{"how":"\xff"}}',
    "nothing": b"",
    "null": b"null",
    "nulls": b'{"id":null,"input":null,"webhook":null,"webhook_events_filter":null,"timeout":null}',
}


@pytest.fixture(scope="module")
def victim(keep: Servers) -> Server:
    return keep(SOURCE, COG_MAX_LOG_BYTES="100000")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_odd_bodies_are_answered(victim: Server, body: bytes) -> None:
    reply = victim.request("POST", "/predictions", body, Content_Type="application/json")
    assert reply.status in {200, 400, 422}
    assert reply.json()
    assert victim.health["status"] == "READY"


@pytest.mark.parametrize("how", ["close", "fork", "signals", "threads", "streams", "flood", "exit"])
def test_models_that_misbehave_are_answered_and_so_is_the_next_request(serve: Servers, how: str) -> None:
    server = serve(SOURCE, COG_MAX_LOG_BYTES="100000")
    answer = server.predict(how=how)
    assert answer["status"] == ("failed" if how == "exit" else "succeeded")
    assert len(answer["logs"]) < 110_000
    assert server.output(how="next") == "done"
    assert server.stop() < 2


def test_half_requests_hold_nothing_up(victim: Server) -> None:
    head = b"POST /predictions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    socks = [socket.create_connection(("127.0.0.1", victim.port)) for _ in range(50)]
    for number, sock in enumerate(socks):
        sock.sendall(head[: number * 2] if number % 2 else head + b'{"input"')
    assert victim.output(how="next") == "done"
    for sock in socks:
        sock.close()
    assert victim.output(how="next") == "done"
    with socket.create_connection(("127.0.0.1", victim.port)) as sock:
        sock.sendall(head[:-2] + b"X: y\r\n" * 100_000 + b"\r\n" + b"x" * 100)
        assert sock.recv(100)[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 431", b""}
    assert victim.health["status"] == "READY"


@pytest.mark.parametrize("variables", [{}, {"COG_AUTH_TOKEN": "sesame"}], ids=["open", "guarded"])
@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/1.1\r\nX-Request-ID: order-7\r\nHost: x\r\nA b: c\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Request-ID: order-7\r\nConnection: upgrade\r\nUpgrade: h2c\r\nA b: c\r\n\r\n",
    ],
    ids=["words", "tls", "header", "upgrade"],
)
def test_what_is_no_request_is_answered_and_logged(serve: Servers, sent: bytes, variables: dict[str, str]) -> None:
    server = serve(SOURCE, **variables)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock, sock.makefile("rb") as stream:
        sock.sendall(sent)
        head, _, body = stream.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n")
    assert json.loads(body) == {"error": "The request is not valid HTTP", "status": "failed"}
    (identity,) = re.findall(rb"\r\nx-request-id: (\S+)", head)
    assert (identity == b"order-7") == (b"order-7" in sent)
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert [line["level"] for line in lines if line["fields"].get("request_id") == identity.decode()] == ["INFO"]
