"""Who may call: tokens, pages of other sites, and TLS."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.serving import Servers

SOURCE = (
    "import os\n\nclass Runner:\n    def run(self) -> str:\n        return os.environ.get('COG_AUTH_TOKEN', 'none')\n"
)


def test_with_a_token_only_probes_go_without_it(serve: Servers) -> None:
    server = serve(SOURCE, COG_AUTH_TOKEN="open-sesame")
    for method, path in (("POST", "/predictions"), ("GET", "/"), ("GET", "/metrics"), ("POST", "/shutdown")):
        for header in ("", "Bearer wrong", "Basic open-sesame"):
            reply = server.request(method, path, {}, Authorization=header)
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
            assert b"sesame" not in reply.body
    assert server.request("GET", "/readyz").status == 200
    reply = server.request("POST", "/predictions", {}, Authorization="Bearer open-sesame")
    assert reply.json()["output"] == "none"
    assert "sesame" not in server.log


def test_pages_of_named_sites_may_call(serve: Servers) -> None:
    server = serve(SOURCE, COG_CORS_ORIGINS="https://a.example, https://b.example", COG_AUTH_TOKEN="t")
    asked = {"Origin": "https://b.example", "Access_Control_Request_Method": "PUT"}
    reply = server.request("OPTIONS", "/predictions/x", **asked)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "https://b.example")
    other = server.request("GET", "/livez", Origin="https://evil.example")
    assert "access-control-allow-origin" not in other.headers
    assert (
        "access-control-allow-origin"
        not in serve(SOURCE).request("GET", "/livez", Origin="https://a.example").headers
    )


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl(1) is not here")
def test_tls_by_file(serve: Servers, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    names, files = ("-addext", "subjectAltName=IP:127.0.0.1"), ("-keyout", key, "-out", certificate)
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"],
            *names,
            *files,
        ],
        check=True,
        capture_output=True,
    )
    server = serve(SOURCE, wait=False, COG_TLS_CERT=str(certificate), COG_TLS_KEY=str(key))
    context = ssl.create_default_context(cafile=str(certificate))

    def status(method: str, path: str) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=5)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    until(lambda: status("GET", "/readyz") == 200, server)
    assert status("POST", "/predictions") == 200


def test_a_certificate_that_is_none_is_an_error_at_the_start(serve: Servers, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    server = serve(SOURCE, wait=False, COG_TLS_CERT=str(tmp_path / "cert.pem"))
    assert server.process.wait(10) == 1
    assert f"with certificate {tmp_path / 'cert.pem'}" in server.log
    assert "Traceback" not in server.log
