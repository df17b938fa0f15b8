"""A model that wants a token, or speaks TLS only, is asked as it wants to be."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from cog_core.client import ModelClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN = {"status": "UNKNOWN"}
READY = {"status": "READY"}


class Guarded(BaseHTTPRequestHandler):
    """Answers those who have the token."""

    def do_GET(self) -> None:
        answer = b'{"status": "READY"}' if self.headers["Authorization"] == "Bearer open-sesame" else b""
        self.send_response(200 if answer else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


class Server(HTTPServer):
    """Does not complain about clients that speak no TLS."""

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Guarded)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def test_the_token_goes_to_the_model_and_into_no_text(server: Server) -> None:
    port = server.server_address[1]
    client = ModelClient.of("127.0.0.1", port, {"COG_AUTH_TOKEN": "open-sesame", "COG_TLS_CERT": ""})

    assert client.health() == READY
    assert "open-sesame" not in repr(client)
    assert ModelClient.of("127.0.0.1", port, {"COG_AUTH_TOKEN": ""}).health() == UNKNOWN


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl(1) is not here")
def test_a_model_with_a_certificate_is_asked_over_tls(server: Server, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    fresh = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-days", "2"]
    subprocess.run([*fresh, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    port, told = server.server_address[1], {"COG_AUTH_TOKEN": "open-sesame"}

    client = ModelClient.of("127.0.0.1", port, {**told, "COG_TLS_CERT": "/cert.pem"})

    assert (client.health(), client.url) == (READY, f"https://127.0.0.1:{port}")
    assert ModelClient.of("127.0.0.1", port, told).health() == UNKNOWN
