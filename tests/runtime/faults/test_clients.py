"""Clients that go away, dawdle, or send what nobody should: others are served, and nothing of theirs stays."""

from __future__ import annotations

import json
import random
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.runtime.faults.processes import look
from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runtime.serving import Server, Servers

SOURCE = """
    import asyncio
    import cog
    from typing import Any, AsyncIterator, Optional
    from cog import Path, concurrent

    class Runner:
        @cog.streaming
        @concurrent(max=8)
        async def run(
            self, seconds: float = 0, size: int = 1, file: Optional[Path] = None, value: Optional[Any] = None
        ) -> AsyncIterator[str]:
            yield "x" * size
            await asyncio.sleep(seconds)
    """
FILE = "data:text/plain;base64,YWJj"
MANY = 60


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tmp")


@pytest.fixture(scope="module")
def model(keep: Servers, temporary: Path) -> Iterator[Server]:
    server = keep(SOURCE, COG_QUEUE="1000", COG_HISTORY="1000", TMPDIR=str(temporary))
    yield server
    # It would give webhooks to receivers that do not exist ten seconds.
    server.process.kill()
    server.process.wait()


def head(body: bytes, *more: str, method: str = "POST", path: str = "/predictions") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *more, "", ""]).encode()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def wait_until_idle(server: Server) -> None:
    until(lambda: (now := server.health["runtime"])["running"] + now["queued"] == 0, server)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_predictions_of_clients_that_go_away_at_once_end(model: Server, accept: str) -> None:
    body = json.dumps({"input": {"seconds": 600, "file": FILE}}).encode()
    dice = random.Random(1)
    for _ in range(MANY):
        with connect(model) as sock:
            sock.sendall(head(body, f"Accept: {accept}") + body)
            time.sleep(dice.choice([0, 0, 0.0005, 0.001, 0.005]))
    wait_until_idle(model)
    assert model.output() == ["x"]
    assert model.health["runtime"]["restarts"] == 0


def test_what_is_cancelled_at_once_is_cancelled(model: Server) -> None:
    names = [f"at-once-{number}" for number in range(MANY)]
    body = json.dumps({"input": {"seconds": 600, "file": FILE}}).encode()
    for name in names:
        path = f"/predictions/{name}"
        with connect(model) as sock:
            # Both requests at once, so that the second one is there before the prediction has begun.
            put = head(body, "Prefer: respond-async", method="PUT", path=path) + body
            sock.sendall(put + head(b"", "Connection: close", path=f"{path}/cancel"))
            answer = b"".join(iter(lambda s=sock: s.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 202"), answer
    wait_until_idle(model)
    assert {model.get(f"/predictions/{name}")["status"] for name in names} == {"canceled"}


def test_clients_that_dawdle_hold_nobody_up(model: Server) -> None:
    body = json.dumps({"input": {"size": 100}}).encode()
    socks = [connect(model) for _ in range(100)]
    requests = head(body) + body
    for position in range(0, len(requests), len(requests) // 10 + 1):
        for sock in socks:
            sock.sendall(requests[position : position + len(requests) // 10 + 1])
        assert model.output() == ["x"]
    for sock in socks:
        assert sock.recv(1 << 16).startswith(b"HTTP/1.1 200")
        sock.close()


def test_clients_that_do_not_read_hold_nobody_up(model: Server) -> None:
    before = look(model.process.pid).descriptors
    size = 4 << 20
    body = json.dumps({"input": {"size": size}}).encode()
    socks = [connect(model) for _ in range(8)]
    for number, sock in enumerate(socks):
        sock.sendall(head(body, f"Accept: {'text/event-stream' if number % 2 else '*/*'}") + body)
    wait_until_idle(model)
    assert model.output() == ["x"]
    for sock in socks:
        sock.close()
    until(lambda: look(model.process.pid).descriptors <= before, model)


BODIES: dict[str, tuple[bytes, set[int]]] = {
    "timeout is no number": (b'{"timeout":NaN}', {400, 422}),
    "timeout is huge": (b'{"timeout":1e400}', {400, 422}),
    "timeout has 5000 digits": (b'{"timeout":' + b"9" * 5000 + b"}", {400, 422}),
    "id is half a character": (b'{"id":"\\ud800","input":{}}', {200, 400, 422}),
    "id is long": (b'{"id":"' + b"x" * 1_000_000 + b'","input":{}}', {200, 422}),
    "id is a path": (b'{"id":"../../../etc/passwd","input":{}}', {200}),
    "id has a nul": (b'{"id":"a\\u0000b\\r\\nX-Header: y","input":{}}', {200}),
    "webhook is half a character": (b'{"webhook":"http://127.0.0.1:9/\\udfff","input":{}}', {200, 400, 422}),
    "webhook is a file": (b'{"webhook":"file:///etc/passwd","input":{}}', {200, 422}),
    "webhook has a line end": (b'{"webhook":"http://127.0.0.1:9/\\r\\nX: y","input":{}}', {200, 422}),
    "context is deep": (b'{"context":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", {400, 422}),
    "value is deep": (b'{"input":{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", {200, 400}),
    "value is deep, but not too deep": (b'{"input":{"value":{"a":' + b"[" * 500 + b"]" * 500 + b"}}}", {200}),
    "value is almost too deep": (b'{"input":{"value":{"a":' + b"[" * 1000 + b"]" * 1000 + b"}}}", {200, 422}),
    "thousands of keys": (json.dumps({"input": {str(n): n for n in range(200_000)}}).encode(), {200, 422}),
    "the same key 10 000 times": (b'{"input":{' + b'"size":1,' * 10_000 + b'"size":2}}', {200}),
    "file is half a character": (b'{"input":{"file":"data:text/plain;base64,\\ud800"}}', {200, 400, 422}),
    "file is not base64": (b'{"input":{"file":"data:text/plain;base64,!!!!"}}', {200}),
    "file has a long type": (b'{"input":{"file":"data:' + b"x/" * 50_000 + b';base64,YWJj"}}', {200}),
    "file has a path as type": (b'{"input":{"file":"data:../../x\\u0000;base64,YWJj"}}', {200}),
    "events are many": (b'{"webhook_events_filter":[' + b'"start",' * 10_000 + b'"start"]}', {200}),
}


@pytest.mark.parametrize(("body", "statuses"), BODIES.values(), ids=BODIES)
def test_odd_bodies_are_answered(model: Server, body: bytes, statuses: set[int]) -> None:
    reply = model.request("POST", "/predictions", body, Content_Type="application/json")
    assert reply.status in statuses
    assert isinstance(reply.json(), dict)
    assert model.output(file=FILE) == ["x"]
    assert model.health["runtime"]["restarts"] == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/jsonx", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json; charset=utf-16", 200),
        ("APPLICATION/JSON", 200),
        ("application/vnd.api+json", 200),
        ("x" * 10_000, 415),
    ],
)
def test_the_content_type_has_to_be_one_of_json(model: Server, kind: str, status: int) -> None:
    assert model.request("POST", "/predictions", b'{"input":{}}', Content_Type=kind).status == status


@pytest.mark.parametrize("count", [10_000, 60_000])
def test_thousands_of_headers_are_answered_or_refused(model: Server, count: int) -> None:
    body = b'{"input":{}}'
    with connect(model) as sock:
        sock.sendall(head(body, *(f"X-{number}: y" for number in range(count))) + body)
        assert sock.recv(1 << 16)[:12] in {b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 431"}
    assert model.output() == ["x"]


PATHS = [
    "/predictions/../../../../etc/passwd",
    "/predictions/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/predictions/..%5c..%5cetc",
    "/predictions/%00",
    "/predictions/%ff%fe",
    "/predictions/" + "a" * 60_000,
    "//etc/passwd",
    "/page/../../../etc/passwd",
    "/page/..%2f..%2f..%2fetc%2fpasswd",
    "/docs/..%2f..%2fetc%2fpasswd",
    "/openapi.json/../../x",
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_paths_lead_nowhere_but_to_routes(model: Server, method: str, path: str) -> None:
    body = b'{"input":{}}' if method in {"PUT", "POST"} else b""
    with connect(model) as sock:
        sock.sendall(head(body, "Connection: close", method=method, path=path) + body)
        answer = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    assert answer[9:12] in {b"200", b"400", b"404", b"405", b"414"}, answer[:200]
    assert b"root:" not in answer


def test_what_came_leaves_nothing_behind(model: Server, temporary: Path) -> None:
    """The last one: all of the above was about one server."""
    wait_until_idle(model)
    assert list(temporary.iterdir()) == []
    load = look(model.process.pid)
    assert load.memory < 250
    assert load.processes == 2
    assert "Unexpected error" not in model.log
    assert "Traceback" not in model.log
