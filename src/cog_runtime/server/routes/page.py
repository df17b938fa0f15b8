"""The page for people: plain files beside the server, under rules that let a browser run nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import HTML, send_body, send_empty, send_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from cog_runtime.server.workers import Workers

FOLDER = "/page/"
"""Where the files are found that the page is made of."""

_HOME = Path(__file__).resolve().parent.parent / "page"
_TYPES = {
    ".html": HTML[1],
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
# What a model answers is anybody's text. Nothing in it can run: scripts and styles come from our own files, no text
# becomes markup (trusted types), and only pictures, sound and video may come from elsewhere.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self' data: blob: http: https:; media-src data: blob: http: https:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = (
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class _File(NamedTuple):
    content: bytes
    type: bytes
    tag: bytes

    @classmethod
    def read(cls, path: Path) -> _File:
        content = path.read_bytes()
        return cls(content, _TYPES[path.suffix], b'"%s"' % hashlib.sha256(content).hexdigest()[:32].encode())


class Files:
    """``GET /page/{name}``.

    The files are read when the first browser comes; a server that only machines ask never holds them.

    Args:
        home: The folder that they lie in.
    """

    def __init__(self, home: Path = _HOME) -> None:
        self._home = home
        self._files: dict[str, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request for the file that the path names."""
        del receive
        await self.send(scope["path_params"]["name"], scope, send)

    async def send(self, name: str, scope: Scope, send: Send) -> None:
        """Send a file; 304 to a browser that has it, 404 when there is none."""
        if not self._files:
            self._files = {path.name: _File.read(path) for path in self._home.iterdir() if path.suffix in _TYPES}
        file = self._files.get(name)
        if file is None:
            await send_empty(send, 404)
            return
        known = dict(scope["headers"]).get(b"if-none-match", b"")
        headers = [(b"etag", file.tag), (b"vary", b"accept"), *_HEADERS]
        if file.tag in known:
            await send_body(send, 304, b"", headers)
        else:
            length = (b"content-length", b"%d" % len(file.content))
            await send_body(send, 200, file.content, [(b"content-type", file.type), length, *headers])


class Page:
    """One of the files under an address of its own.

    Args:
        files: Where it is.
        name: Which one.
    """

    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del receive
        await self._files.send(self._name, scope, send)


class Root:
    """``GET /``: the page for a browser, upstream's document for everybody else.

    Args:
        page: For browsers.
        document: For programs.
    """

    def __init__(self, page: ASGIApp, document: ASGIApp) -> None:
        self._page = page
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await (self._page if wants_page(scope) else self._document)(scope, receive, send)


class About:
    """``GET /about``: what the model's author says of it.

    Args:
        workers: They know it once one of them is set up.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        del scope, receive
        await send_json(send, 200, dumps({"description": self._workers.shown.description}))


def wants_page(scope: Scope) -> bool:
    """Return whether a client asks for HTML by name, and not rather for JSON (RFC 9110, section 12.5.1)."""
    accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1").lower()
    if "text/html" not in accepted:
        return False
    wanted = dict(_weighed(part) for part in accepted.split(","))
    html = wanted.get("text/html", 0.0)
    return html > 0 and html >= wanted.get("application/json", 0.0)


def _weighed(part: str) -> tuple[str, float]:
    media_type, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
