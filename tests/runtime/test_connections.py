"""What clients do to a connection: requests one after the other, several at once, in pieces, and none at all."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.serving import Server, Servers

SOURCE = """
    import asyncio
    from cog import concurrent

    class Runner:
        @concurrent(max=8)
        async def run(self, n: int, seconds: float = 0) -> int:
            await asyncio.sleep(seconds)
            return n
    """


@pytest.fixture(scope="module")
def model(keep: Servers) -> Server:
    return keep(SOURCE)


TOKEN = "Authorization: Bearer sesame"


@pytest.fixture(scope="module")
def guarded(keep: Servers) -> Server:
    """The same where no request goes the short way."""
    return keep(SOURCE, COG_AUTH_TOKEN="sesame")


@pytest.fixture(scope="module", params=["model", "guarded"])
def either(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def post(n: int, seconds: float = 0, *more: str) -> bytes:
    body = json.dumps({"input": {"n": n, "seconds": seconds}}).encode()
    head = ["POST /predictions HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *more, "", ""]).encode() + body


@contextmanager
def connected(server: Server) -> Iterator[tuple[socket.socket, Iterator[tuple[int, dict[str, str], bytes]]]]:
    """Yield a connection, and the answers that come on it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        yield sock, answers(sock)


def answers(sock: socket.socket) -> Iterator[tuple[int, dict[str, str], bytes]]:
    with sock.makefile("rb") as stream:
        while status := stream.readline():
            lines = iter(stream.readline, b"\r\n")
            headers = dict(line.decode().strip().lower().split(": ", 1) for line in lines)
            yield int(status.split()[1]), headers, stream.read(int(headers["content-length"]))


def outputs(found: Iterator[tuple[int, dict[str, str], bytes]], count: int) -> list[int]:
    return [json.loads(next(found)[2])["output"] for _ in range(count)]


def test_requests_that_come_at_once_are_answered_in_their_order(model: Server) -> None:
    with connected(model) as (sock, found):
        sock.sendall(b"".join(post(n, 0.1 if n == 0 else 0) for n in range(4)))
        assert outputs(found, 4) == [0, 1, 2, 3]
        sock.sendall(post(4, 0.1) + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + post(5))
        assert outputs(found, 1) == [4]
        assert next(found)[0] == 200
        assert outputs(found, 1) == [5]


def test_a_request_may_come_while_another_one_runs(model: Server) -> None:
    with connected(model) as (sock, found):
        sock.sendall(post(1, 0.2))
        time.sleep(0.05)
        sock.sendall(post(2))
        assert outputs(found, 2) == [1, 2]


def test_a_request_may_come_byte_by_byte(model: Server) -> None:
    with connected(model) as (sock, found):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(7):
            sock.sendall(bytes([byte]))
        assert outputs(found, 1) == [7]


def test_who_asks_for_the_end_of_the_connection_gets_it(model: Server) -> None:
    with connected(model) as (sock, found):
        sock.sendall(post(1, 0, "Connection: close"))
        assert outputs(found, 1) == [1]
        assert list(found) == []


def test_many_headers_and_odd_ones_are_no_harm(model: Server) -> None:
    with connected(model) as (sock, found):
        sock.sendall(post(1, 0, *(f"X-{n}: y" for n in range(1000))))
        assert outputs(found, 1) == [1]
    for odd in ("Content-Length: 5", "Transfer-Encoding: chunked", "X y: z", "Content-Length: -1"):
        with connected(model) as (sock, found):
            sock.sendall(post(1, 0, odd))
            assert {status for status, _, _ in found} <= {400}
    assert model.output(n=1) == 1


def test_errors_look_alike_on_every_way(model: Server) -> None:
    wrong = b'{"input": {"n": "x"}}'
    short = model.request("POST", "/predictions", wrong, Content_Type="application/json")
    usual = model.request("POST", "/predictions", wrong, Content_Type="application/json", Connection="close")
    assert (short.status, short.body) == (usual.status, usual.body)
    assert short.headers["content-type"] == usual.headers["content-type"] == "application/json"


def test_predictions_of_clients_that_go_away_are_cancelled(model: Server) -> None:
    before = model.log.count("Prediction canceled")
    for more in ((), ("Prefer: an answer",)):
        with connected(model) as (sock, _):
            sock.sendall(post(1, 30, *more))
            until(lambda: model.health["runtime"]["running"] == 1)
            time.sleep(0.12)
        until(lambda: model.health["runtime"]["running"] == 0)
    until(lambda: model.log.count("Prediction canceled") == before + 2, model)


def test_one_request_is_one_prediction(serve: Servers) -> None:
    server = serve(SOURCE)
    for n in range(5):
        assert server.output(n=n) == n
    with connected(server) as (sock, found):
        sock.sendall(post(5))
        assert outputs(found, 1) == [5]
    server.stop()
    assert server.log.count("Starting prediction") == server.log.count("Prediction succeeded") == 6


def test_a_connection_answers_before_the_server_ends(serve: Servers) -> None:
    server = serve(SOURCE)
    with connected(server) as (sock, found):
        sock.sendall(post(1, 0.4))
        until(lambda: server.health["runtime"]["running"] == 1)
        assert server.stop() < 2
        status, headers, body = next(found)
        assert (status, headers["connection"], json.loads(body)["output"]) == (200, "close", 1)


H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", TOKEN)
"""What curl --http2 and Java's client send with each request where there is no TLS."""


def chunked(n: int) -> bytes:
    body = json.dumps({"input": {"n": n}}).encode()
    head = ["POST /predictions HTTP/1.1", "Host: x", "Content-Type: application/json", "Transfer-Encoding: chunked"]
    chunks = (b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:5], body[5:], b""))
    return "\r\n".join([*head, *H2C, "", ""]).encode() + b"".join(chunks)


def test_another_protocol_that_is_offered_is_not_taken(either: Server) -> None:
    with connected(either) as (sock, found):
        for n in range(3):
            sock.sendall(post(n, 0, *H2C))
            assert outputs(found, 1) == [n]
        head, body = post(3, 0, *H2C).split(b"\r\n\r\n")
        for piece in (head, b"\r\n\r\n", body[:4], body[4:]):
            sock.sendall(piece)
            time.sleep(0.05)
        assert outputs(found, 1) == [3]
        sock.sendall(chunked(4))
        sock.sendall(post(5, 0, TOKEN))
        assert outputs(found, 2) == [4, 5]
        sock.sendall(post(6, 0, *H2C[1:], "Connection: Upgrade, close"))
        assert outputs(found, 1) == [6]
        assert list(found) == []


def test_offers_may_come_byte_by_byte_or_many_at_once(either: Server) -> None:
    with connected(either) as (sock, found):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(0, 0, *H2C) + chunked(1):
            sock.sendall(bytes([byte]))
        assert outputs(found, 2) == [0, 1]
        each = [b"".join((post(n, 0, *H2C), chunked(n), post(n, 0, TOKEN))) for n in range(100)]
        sock.sendall(b"".join(each))
        assert outputs(found, 300) == [n for n in range(100) for _ in range(3)]


@pytest.mark.parametrize(
    ("line", "status"), [("GET /livez", 200), ("GET /nowhere", 404), ("POST /livez", 405), ("GET /shutdown", 405)]
)
def test_who_wants_a_websocket_gets_the_answer_of_the_route(either: Server, line: str, status: int) -> None:
    offer = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: eHh4",
        TOKEN,
    )
    with connected(either) as (sock, found):
        for _ in range(2):
            sock.sendall("\r\n".join([f"{line} HTTP/1.1", "Host: x", *offer, "", ""]).encode())
            assert next(found)[0] == status


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("length", [0, 2_000_000])
def test_curl_may_ask_for_http_2(either: Server, length: int) -> None:
    body = json.dumps({"input": {"n": 1}, "padding": "x" * length})
    url = f"http://127.0.0.1:{either.port}/predictions"
    headers = ("-H", "Content-Type: application/json", "-H", TOKEN)
    curl = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--http2", *headers, "-d", "@-", url, url],
        input=body.encode(),
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert curl.stdout.count(b'"output":1') == 2


def test_a_connection_to_elsewhere_is_not_made(either: Server) -> None:
    with connected(either) as (sock, found):
        sock.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        assert next(found)[0] in {400, 401, 404, 405}
