"""An HTTP server that remembers what it was told: webhooks and uploads go there, and downloads come from there."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import attrs

from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class Heard:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver(ThreadingHTTPServer):
    """Listens on the loopback.

    Attributes:
        heard: All requests so far.
        statuses: Answers for the next requests; 200 when there are none.
        files: What GET answers, by path.
        answers: Headers of every answer.
        redirects: Where GET is sent on to, by path.
        cut: Bytes that are missing at the end of every file.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[Heard] = []
        self.statuses: list[int] = []
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.cut = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def wait_for(self, count: int) -> list[Heard]:
        """Return what was heard once there are that many requests."""
        return until(lambda: len(self.heard) >= count and list(self.heard))

    def wait_for_end(self) -> list[Any]:
        """Return the bodies of all webhooks once the last one of a prediction has come."""
        ends = {"succeeded", "failed", "canceled"}
        until(lambda: any(each.json()["status"] in ends for each in list(self.heard)))
        return [each.json() for each in self.heard]

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def _remember(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append(Heard(self.command, self.path, headers, body))

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        for name, value in self.server.answers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - self.server.cut])

    def do_POST(self) -> None:
        self._remember()
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200)

    def do_PUT(self) -> None:
        self.do_POST()

    def do_GET(self) -> None:
        self._remember()
        if self.path in self.server.redirects:
            self._answer(302, Location=self.server.redirects[self.path])
            return
        body = self.server.files.get(self.path)
        self._answer(404 if body is None else 200, body or b"")

    def log_message(self, *_: object) -> None:
        pass
