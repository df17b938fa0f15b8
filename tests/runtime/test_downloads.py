"""Inputs that are downloaded: from where, how much, and never half of it."""

from __future__ import annotations

import socket
import threading
import time
import urllib.parse
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from cog._files import URLFile
from cog._remote import Rules, open_remote
from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

SOURCE = """
    from typing import Optional
    from cog import File, Path

    class Runner:
        def run(self, source: Optional[Path] = None, handle: Optional[File] = None) -> str:
            print("called")
            return (source.read_bytes() if source else handle.read()).decode()
    """


@pytest.fixture(scope="module")
def closed(keep: Servers) -> Server:
    return keep(SOURCE)


def error_of(server: Server, url: str, name: str = "source") -> str:
    answer = server.predict(**{name: url})
    assert (answer["status"], answer["logs"]) == ("failed", "")
    error: str = answer["error"]
    assert error.startswith("Input validation error: ")
    return error


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_this_machine_is_not_reached_however_it_is_written(closed: Server, receiver: Receiver, host: str) -> None:
    receiver.files["/a"] = b"inner"
    error = error_of(closed, f"http://{host}:{receiver.server_port}/a")
    assert "is not a public address; COG_DOWNLOAD_ALLOW names others" in error
    assert receiver.heard == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "https://[fe80::1]/"]
)
def test_private_networks_are_not_reached(closed: Server, url: str) -> None:
    assert "is not a public address" in error_of(closed, url)


def test_a_redirect_leads_nowhere_else(serve: Servers, receiver: Receiver) -> None:
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="localhost")
    receiver.files["/inner"] = b"inner"
    allowed = receiver.url("").replace("127.0.0.1", "localhost")
    receiver.redirects["/away"] = receiver.url("/inner")
    receiver.redirects["/file"] = "file:///etc/passwd"
    receiver.redirects["/here"] = f"{allowed}/inner"
    assert "127.0.0.1 is not a public address" in error_of(server, f"{allowed}/away")
    assert "root:" not in error_of(server, f"{allowed}/file")
    assert server.output(source=f"{allowed}/here") == "inner"
    assert "127.0.0.1 is not a public address" in error_of(server, receiver.url("/inner"), "handle")
    assert server.output(handle=f"{allowed}/inner") == "inner"


@pytest.mark.parametrize("name", ["source", "handle"])
def test_half_a_file_never_reaches_the_model_and_nothing_stays(
    serve: Servers, receiver: Receiver, tmp_path: Path, name: str
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="*", COG_MAX_DOWNLOAD_BYTES="1000", TMPDIR=str(temporary))
    receiver.files.update({"/small": b"x" * 1000, "/large": b"x" * 1001})
    assert server.output(**{name: receiver.url("/small")}) == "x" * 1000
    assert "1001 bytes are more than the 1000" in error_of(server, receiver.url("/large"), name)
    receiver.cut = 1
    assert "broke off after 999 of 1000 bytes" in error_of(server, receiver.url("/small"), name)
    assert list(temporary.iterdir()) == []


def test_a_download_that_takes_too_long_is_given_up(receiver: Receiver) -> None:
    receiver.files["/a"] = b"x"
    rules = Rules.read({"COG_DOWNLOAD_ALLOW": "127.0.0.1", "COG_DOWNLOAD_TIMEOUT": "0.0001"})
    with pytest.raises(OSError, match="took longer than"):
        open_remote(receiver.url("/a"), "test", rules)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_one_that_nobody_waits_for_ends_and_is_in_nobody_s_way(serve: Servers, threads: str) -> None:
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="127.0.0.1", COG_THREADS=threads)
    begun, ended = [], []

    def drip(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        begun.append(1)
        with suppress(OSError):
            while True:
                sock.sendall(b"x")
                time.sleep(0.05)
        ended.append(1)

    for number in range(8):
        with answered(drip) as url:
            asked = {"id": f"gone-{number}", "input": {"source": url}}
            assert server.request("POST", "/predictions", asked, Prefer="respond-async").status == 202
            until(lambda number=number: len(begun) > number)
            assert server.request("POST", f"/predictions/gone-{number}/cancel").status == 200
            assert server.get(f"/predictions/gone-{number}?wait=5")["status"] == "canceled"
            begin = time.monotonic()
            assert server.output(source="data:,hello") == "hello"
            assert time.monotonic() - begin < 5
    until(lambda: len(ended) == 8)


def test_base64_that_is_none_is_no_empty_file(serve: Servers) -> None:
    server = serve(SOURCE)
    for name in ("source", "handle"):
        assert "no base64" in error_of(server, "data:;base64,####", name)
        assert server.output(**{name: "data:;base64,aGVs bG8="}) == "hello"


def test_a_file_that_is_closed_stays_closed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COG_DOWNLOAD_ALLOW", "127.0.0.1")
    receiver.files["/a"] = b"hello"
    file = URLFile(receiver.url("/a"))
    buffer = bytearray(2)
    assert (file.readinto(buffer), bytes(buffer), file.read1(2)) == (2, b"he", b"ll")
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        file.read()


@contextmanager
def answered(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """Yield the URL of a server that answers one request in its own way."""

    def accept() -> None:
        with suppress(OSError), listener.accept()[0] as sock:
            sock.recv(1 << 16)
            answer(sock)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a"
    thread.join(30)


def test_what_comes_with_a_redirect_is_not_read(serve: Servers, receiver: Receiver) -> None:
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="127.0.0.1", COG_MAX_DOWNLOAD_BYTES="1000")
    receiver.files["/small"] = b"small"
    sent = 0

    def answer(sock: socket.socket) -> None:
        nonlocal sent
        head = f"HTTP/1.1 302 Found\r\nLocation: {receiver.url('/small')}\r\nContent-Length: {200 << 20}\r\n\r\n"
        sock.sendall(head.encode())
        for _ in range(200):
            sock.sendall(bytes(1 << 20))
            sent += 1

    with answered(answer) as url:
        assert server.output(source=url) == "small"
    assert sent < 50


@pytest.mark.parametrize(
    "before",
    [
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=",
        "HTTP/1.1 302 Found\r\nLocation: ",
    ],
    ids=["header", "body", "chunk extension", "redirect"],
)
def test_bytes_that_come_slowly_do_not_make_the_time_longer(serve: Servers, before: str) -> None:
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="127.0.0.1", COG_DOWNLOAD_TIMEOUT="1")

    def answer(sock: socket.socket) -> None:
        sock.sendall(before.encode())
        for _ in range(100):
            sock.sendall(b"a")
            time.sleep(0.1)

    begin = time.monotonic()
    with answered(answer) as url:
        assert "it took longer than 1 s" in error_of(server, url)
        assert time.monotonic() - begin < 3


def test_silence_does_not_make_the_time_longer(serve: Servers) -> None:
    server = serve(SOURCE, COG_DOWNLOAD_ALLOW="127.0.0.1", COG_DOWNLOAD_TIMEOUT="1")
    over = threading.Event()
    begin = time.monotonic()
    with answered(lambda _: over.wait(20)) as url:
        assert "it took longer than 1 s" in error_of(server, url)
        assert time.monotonic() - begin < 3
        over.set()


def test_behind_a_proxy_addresses_are_still_checked(serve: Servers, receiver: Receiver) -> None:
    server = serve(SOURCE, http_proxy=receiver.url(""), no_proxy="", NO_PROXY="")
    receiver.files["http://files.example/a"] = b"by proxy"
    assert server.output(source="http://files.example/a") == "by proxy"
    assert "is not a public address" in error_of(server, "http://169.254.169.254/a")
    assert [urllib.parse.urlsplit(each.path).hostname for each in receiver.heard] == ["files.example"]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("feff::1%eth0", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b:1:ffff::", False),
        ("10.1.2.3", True),
    ],
)
def test_rules(address: str, *, allowed: bool) -> None:
    assert Rules.read({"COG_DOWNLOAD_ALLOW": "10.0.0.0/8, a.example"}).allow("b.example", address) is allowed
