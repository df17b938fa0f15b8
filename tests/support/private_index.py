"""A package index with a password, for containers and for this machine: one tiny wheel, served without TLS."""

from __future__ import annotations

import base64
import http.server
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "robot", "hunter2-of-the-company"
PACKAGE = "company-secret-sauce"


@attrs.frozen(kw_only=True)
class PrivateIndex:
    """An index that answers only to the right password.

    Attributes:
        host: Address that containers reach as well.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """Its address without a login."""
        return f"http://{self.host}:{self.port}/simple/"

    @property
    def url_with_login(self) -> str:
        """Its address as people write it into requirements files."""
        return f"http://{USER}:{PASSWORD}@{self.host}:{self.port}/simple/"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def send_head(self):
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == expected:
            return super().send_head()
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=company")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path, host: str) -> Iterator[PrivateIndex]:
    """Serve the index on an address of this machine."""
    _write_wheel(folder / "simple" / PACKAGE)
    with http.server.ThreadingHTTPServer((host, 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield PrivateIndex(host=host, port=server.server_address[1])
        server.shutdown()
        thread.join()


def _write_wheel(folder: Path) -> None:
    folder.mkdir(parents=True)
    module = PACKAGE.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", 'TASTE = "umami"\n')
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
