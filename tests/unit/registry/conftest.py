from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import subprocess
import threading
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_core.testing.registry import Registry, serve
from cog_oci.layout import Layout
from cog_oci.push import push
from cog_oci.reference import Reference
from tests.unit.oci_formats.kit import add_image, archive, client_for, file

if TYPE_CHECKING:
    from pathlib import Path

    from cog_oci.layout import Image


@attrs.frozen
class Place:
    """A registry that runs, and an image to send there."""

    registry: Registry
    host: str

    def reference(self, text: str = "me/model:1") -> Reference:
        return Reference.parse(f"{self.host}/{text}")

    def asked(self, method: str = "", part: str = "") -> list[str]:
        """Return the paths of requests."""
        return [
            seen.path
            for seen in self.registry.seen
            if method in {"", seen.method} and part in f"{seen.path}?{seen.query}"
        ]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


@pytest.fixture
def target(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "target")


@pytest.fixture
def image(layout: Layout) -> Image:
    return add_image(layout, [archive(file("a", b"lower")), archive(file("b", bytes(range(256)) * 2000))])


class Slot:
    """A server that runs for all tests; each puts a registry of its own in, as starting servers takes time."""

    def __init__(self) -> None:
        self.host = ""
        self.registry = Registry()
        self._inner = self.registry.app

    def hold(self, registry: Registry) -> None:
        self.registry, self._inner = registry, registry.app

    async def app(self, scope, receive, send) -> None:
        await self._inner(scope, receive, send)


@pytest.fixture(scope="session")
def slots():
    """Start two servers without TLS."""
    with contextlib.ExitStack() as stack:
        found = []
        for slot in (Slot(), Slot()):
            slot.host = stack.enter_context(serve(slot))
            found.append(slot)
        yield found


@pytest.fixture
def place(slots):
    """Open registries, at most two without TLS."""
    free = list(slots)
    with contextlib.ExitStack() as stack:

        def start(*, tls=None, **options):
            registry = Registry(**options)
            if tls is not None:
                return Place(registry, stack.enter_context(serve(registry, **tls)))
            slot = free.pop()
            slot.hold(registry)
            return Place(registry, slot.host)

        yield start


@pytest.fixture
def filled(place, layout, image):
    """Start a registry that holds the image as ``me/model:1``."""

    def start(**options):
        started = place()
        with client_for() as client:
            push(client, layout, image, started.reference())
        for name, value in options.items():
            setattr(started.registry, name, value)
        started.registry.seen.clear()
        return started

    return start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Make a certificate that nobody trusts, for 127.0.0.1 and registry.test."""
    folder = tmp_path_factory.mktemp("certificate")
    names = "subjectAltName=IP:127.0.0.1,DNS:registry.test"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=test", "-addext", names, "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return {"ssl_keyfile": str(folder / "key.pem"), "ssl_certfile": str(folder / "cert.pem")}


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that leads every host to one registry, and remembers what it was asked."""

    daemon_threads = True
    to = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyConnection)
        self.heads: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _ProxyConnection(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        self.server.heads.append(head.decode())
        host, _, port = self.server.to.partition(":")
        with socket.create_connection((host, int(port))) as onward:
            if head.startswith(b"CONNECT "):
                self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                method, url, rest = head.split(b" ", 2)
                path = b"/" + url.split(b"/", 3)[3]
                onward.sendall(b" ".join((method, path, rest)).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            self._pass_on(onward)

    def _pass_on(self, onward: socket.socket) -> None:
        ways = {self.connection: onward, onward: self.connection}
        with contextlib.suppress(OSError):
            while True:
                for source in select.select(list(ways), [], [], 10)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    ways[source].sendall(data)


@pytest.fixture
def proxy():
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def dead_port():
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def anonymous_client():
    with client_for() as client:
        yield client
