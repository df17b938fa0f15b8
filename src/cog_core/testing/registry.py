"""A registry in memory that speaks HTTP (OCI distribution specification 1.1) and misbehaves when asked to.

It needs starlette and uvicorn (``cog-core[testing]``)::

    with serve(Registry()) as host:  # "127.0.0.1:40123"
        ...
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.types import ASGIApp

    Handler = Callable[[Request], Awaitable[Response]]

_PIECE = 1 << 16
_START_SECONDS = 10.0


@attrs.define(kw_only=True)
class Faults:
    """What goes wrong; every counter goes down with each time until it is 0.

    Attributes:
        break_downloads: How many downloads of blobs end in a broken connection.
        break_uploads: How many uploads do.
        after: Bytes that pass before it breaks.
        too_many: How many requests are answered 429.
        unavailable: How many requests are answered 503.
        retry_after: What a 429 asks to wait, in seconds; None: nothing.
        corrupt_blobs: Blobs come with their last byte changed.
        wrong_manifest_digest: Manifests come with another digest in their header.
        ignore_ranges: Requests for a part are answered with everything.
    """

    break_downloads: int = 0
    break_uploads: int = 0
    after: int = 1000
    too_many: int = 0
    unavailable: int = 0
    retry_after: int | None = 0
    corrupt_blobs: bool = False
    wrong_manifest_digest: bool = False
    ignore_ranges: bool = False

    def happens(self, name: str) -> bool:
        """Say whether a counted fault happens now, and count it."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


@attrs.frozen(kw_only=True)
class Seen(Frozen):
    """A request as it came in.

    Attributes:
        authorization: The header; empty without one.
    """

    method: str
    path: str
    query: str
    authorization: str = attrs.field(repr=False)


@attrs.define(kw_only=True)
class Repository:
    """What a repository holds.

    Attributes:
        blobs: Digests of blobs, whose bytes are in the registry.
        manifests: Media type and bytes by digest.
        tags: Digests by tag.
    """

    blobs: set[str] = attrs.field(factory=set)
    manifests: dict[str, tuple[str, bytes]] = attrs.field(factory=dict)
    tags: dict[str, str] = attrs.field(factory=dict)


class Registry:
    """The registry; its attributes may be looked at and filled by tests.

    Args:
        auth: ``none``, ``basic``, or ``token`` for bearer tokens that this registry itself gives out at ``/token``.
        users: Passwords by user name.
        identity_tokens: Refresh tokens that ``/token`` takes in the place of a login.
        anonymous_pull: With ``token``: whether those without a login may read.
        token_life: Seconds that tokens are said to live.
        token_uses: How many requests accept a token until it counts as expired; None: all.
        realm: Address of the token service; None: this registry's own.
        absolute_locations: Uploads are answered with whole addresses instead of paths.
        redirect_blobs: Address of another registry that downloads of blobs are sent to.
        least_part: What uploads are told about the smallest part; 0: nothing.
        largest_request: Bytes of a body from which on a request is refused, as proxies do; None: never.
        faults: What goes wrong.
    """

    def __init__(
        self,
        *,
        auth: str = "none",
        users: Mapping[str, str] | None = None,
        identity_tokens: frozenset[str] = frozenset(),
        anonymous_pull: bool = False,
        token_life: int = 300,
        token_uses: int | None = None,
        realm: str | None = None,
        absolute_locations: bool = False,
        redirect_blobs: str | None = None,
        least_part: int = 0,
        largest_request: int | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.auth = auth
        self.users = dict(users or {})
        self.identity_tokens = identity_tokens
        self.anonymous_pull = anonymous_pull
        self.token_life = token_life
        self.token_uses = token_uses
        self.realm = realm
        self.absolute_locations = absolute_locations
        self.redirect_blobs = redirect_blobs
        self.least_part = least_part
        self.largest_request = largest_request
        self.faults = faults or Faults()
        self.blobs: dict[str, bytes] = {}
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, bytearray] = {}
        self.seen: list[Seen] = []
        self._tokens: dict[str, tuple[set[str], list[int]]] = {}

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes: list[tuple[str, list[str], Handler]] = [
            ("/token", ["GET", "POST"], self._token),
            ("/v2/", ["GET"], self._root),
            ("/v2/{name:path}/tags/list", ["GET"], self._list_tags),
            ("/v2/{name:path}/manifests/{target}", ["GET", "HEAD"], self._get_manifest),
            ("/v2/{name:path}/manifests/{target}", ["PUT"], self._put_manifest),
            ("/v2/{name:path}/blobs/uploads/", ["POST"], self._start_upload),
            ("/v2/{name:path}/blobs/uploads/{id}", ["GET"], self._find_upload),
            ("/v2/{name:path}/blobs/uploads/{id}", ["PATCH"], self._append),
            ("/v2/{name:path}/blobs/uploads/{id}", ["PUT"], self._finish_upload),
            ("/v2/{name:path}/blobs/{digest}", ["GET", "HEAD"], self._get_blob),
        ]
        return Starlette(routes=[Route(path, self._guarded(call), methods=how) for path, how, call in routes])

    def repository(self, name: str) -> Repository:
        """Return a repository, made empty when there is none."""
        return self.repositories.setdefault(name, Repository())

    def put_blob(self, name: str, data: bytes) -> str:
        """Put a blob in a repository and return its digest."""
        digest = _digest(data)
        self.blobs[digest] = data
        self.repository(name).blobs.add(digest)
        return digest

    def put_manifest(self, name: str, data: bytes, media_type: str, tag: str | None = None) -> str:
        """Put a manifest in a repository and return its digest."""
        digest = _digest(data)
        self.repository(name).manifests[digest] = (media_type, data)
        if tag is not None:
            self.repository(name).tags[tag] = digest
        return digest

    def _guarded(self, call: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            url, sent = request.url, request.headers.get("authorization", "")
            self.seen.append(Seen(method=request.method, path=url.path, query=url.query, authorization=sent))
            retry = {} if self.faults.retry_after is None else {"Retry-After": str(self.faults.retry_after)}
            if self.faults.happens("too_many"):
                return _error(429, "TOOMANYREQUESTS", "slow down", retry)
            if self.faults.happens("unavailable"):
                return _error(503, "UNAVAILABLE", "come back later")
            if url.path != "/token" and (refusal := self._refuse(request, sent)):
                return refusal
            return await call(request)

        return guarded

    def _refuse(self, request: Request, sent: str) -> Response | None:
        kind, _, value = sent.partition(" ")
        if self.auth == "none" or (self.auth == "basic" and kind == "Basic" and self._user(value)):
            return None
        if self.auth == "basic":
            return _error(401, "UNAUTHORIZED", "log in", {"WWW-Authenticate": 'Basic realm="test, registry"'})
        name = request.path_params.get("name")
        action = "pull" if request.method in {"GET", "HEAD"} else "push"
        scope = f"repository:{name}:{action}" if name else ""
        granted, uses = self._tokens.get(value if kind == "Bearer" else "", (None, [0]))
        if granted is not None and (not scope or scope in granted) and uses[0] != 0:
            uses[0] -= 1
            return None
        realm = self.realm or str(request.base_url) + "token?realm=1"
        challenge = f'Bearer realm="{realm}",service="test",scope="{scope}"'
        return _error(401, "UNAUTHORIZED", "a token is needed", {"WWW-Authenticate": challenge})

    def _user(self, encoded: str) -> bool:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return user in self.users and self.users[user] == password

    async def _token(self, request: Request) -> Response:
        if request.method == "POST":
            form = parse_qs((await request.body()).decode())
            scopes = " ".join(form.get("scope", [])).split()
            if not self.identity_tokens & set(form.get("refresh_token", [])):
                return _error(401, "UNAUTHORIZED", "unknown identity token")
            return self._grant(scopes, {"pull", "push"})
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        known = kind == "Basic" and self._user(value)
        if kind == "Basic" and not known:
            return _error(401, "UNAUTHORIZED", "wrong password")
        allowed = {"pull", "push"} if known else {"pull"} if self.anonymous_pull else set[str]()
        return self._grant(request.query_params.getlist("scope"), allowed)

    def _grant(self, scopes: list[str], allowed: set[str]) -> Response:
        granted = set()
        for scope in scopes:
            kind, name, actions = scope.split(":")
            granted |= {f"{kind}:{name}:{action}" for action in actions.split(",") if action in allowed}
        token = secrets.token_hex(16)
        self._tokens[token] = (granted, [-1 if self.token_uses is None else self.token_uses])
        return JSONResponse({"token": token, "expires_in": self.token_life})

    async def _root(self, request: Request) -> Response:
        del request
        return JSONResponse({})

    async def _list_tags(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.repositories:
            return _error(404, "NAME_UNKNOWN", "no such repository")
        last, size = request.query_params.get("last", ""), min(int(request.query_params.get("n", "100")), 100)
        tags = [tag for tag in sorted(self.repositories[name].tags) if tag > last]
        headers = {}
        if len(tags) > size:
            headers["Link"] = f'</v2/{name}/tags/list?n={size}&last={tags[size - 1]}>; rel="next"'
        return JSONResponse({"name": name, "tags": tags[:size]}, headers=headers)

    async def _get_manifest(self, request: Request) -> Response:
        target = request.path_params["target"]
        repository = self.repositories.get(request.path_params["name"], Repository())
        digest = repository.tags.get(target, target)
        if digest not in repository.manifests:
            return _error(404, "MANIFEST_UNKNOWN", "no such manifest")
        media_type, data = repository.manifests[digest]
        shown = _digest(b"wrong") if self.faults.wrong_manifest_digest else digest
        return Response(data, media_type=media_type, headers={"Docker-Content-Digest": shown})

    async def _put_manifest(self, request: Request) -> Response:
        name, target, data = request.path_params["name"], request.path_params["target"], await request.body()
        wanted = _needs(json.loads(data))
        missing = wanted - self.repository(name).blobs - set(self.repository(name).manifests)
        if missing:
            return _error(400, "MANIFEST_BLOB_UNKNOWN", f"missing {sorted(missing)}")
        tag = None if target.startswith("sha256:") else target
        digest = self.put_manifest(name, data, request.headers["content-type"], tag)
        return Response(status_code=201, headers={"Docker-Content-Digest": digest, "Location": request.url.path})

    async def _start_upload(self, request: Request) -> Response:
        name, digest = request.path_params["name"], request.query_params.get("mount")
        source = self.repositories.get(request.query_params.get("from", ""), Repository())
        if digest in source.blobs:
            self.repository(name).blobs.add(digest)
            return Response(status_code=201, headers={"Location": f"/v2/{name}/blobs/{digest}"})
        upload = secrets.token_hex(8)
        self.uploads[upload] = bytearray()
        base = str(request.base_url).rstrip("/") if self.absolute_locations else ""
        headers = {"Location": f"{base}/v2/{name}/blobs/uploads/{upload}?state=1"}
        least = {"OCI-Chunk-Min-Length": str(self.least_part)} if self.least_part else {}
        return Response(status_code=202, headers=headers | least)

    async def _find_upload(self, request: Request) -> Response:
        upload = self.uploads.get(request.path_params["id"])
        if upload is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        headers = {"Location": f"{request.url.path}?state=1", "Range": f"0-{max(0, len(upload) - 1)}"}
        return Response(status_code=204, headers=headers)

    async def _append(self, request: Request) -> Response:
        upload = self.uploads.get(request.path_params["id"])
        if upload is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        start, _, end = request.headers.get("content-range", "0-0").partition("-")
        size = int(request.headers.get("content-length", "0"))
        if int(start) != len(upload) or int(end) - int(start) + 1 != size:
            return _error(416, "BLOB_UPLOAD_INVALID", "that part is not the next one")
        refusal = await self._receive(request)
        if refusal is not None:
            return refusal
        headers = {"Location": f"{request.url.path}?state=1", "Range": f"0-{len(upload) - 1}"}
        return Response(status_code=202, headers=headers)

    async def _finish_upload(self, request: Request) -> Response:
        refusal = await self._receive(request)
        if refusal is not None:
            return refusal
        name, digest = request.path_params["name"], request.query_params.get("digest")
        data = bytes(self.uploads.pop(request.path_params["id"]))
        if _digest(data) != digest:
            return _error(400, "DIGEST_INVALID", "the content is something else")
        self.put_blob(name, data)
        return Response(status_code=201, headers={"Location": f"/v2/{name}/blobs/{digest}"})

    async def _receive(self, request: Request) -> Response | None:
        upload = self.uploads.get(request.path_params["id"])
        if upload is None or request.query_params.get("state", "1") != "1":
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        if self.largest_request is not None and int(request.headers["content-length"]) > self.largest_request:
            return _error(413, "SIZE_INVALID", "the request is too large")
        breaks = self.faults.happens("break_uploads")
        async for piece in request.stream():
            upload += piece
            if breaks and len(upload) > self.faults.after:
                raise ConnectionAbortedError
        return None

    async def _get_blob(self, request: Request) -> Response:
        name, digest = request.path_params["name"], request.path_params["digest"]
        if digest not in self.repositories.get(name, Repository()).blobs:
            return _error(404, "BLOB_UNKNOWN", "no such blob")
        if self.redirect_blobs is not None and request.method == "GET":
            return RedirectResponse(f"{self.redirect_blobs}{request.url.path}?signature=secret", 307)
        data = self.blobs[digest]
        if self.faults.corrupt_blobs:
            data = data[:-1] + bytes([data[-1] ^ 1])
        return self._partial(request, data)

    def _partial(self, request: Request, data: bytes) -> Response:
        begin, _, _ = request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
        start = 0 if self.faults.ignore_ranges else int(begin)
        headers = {"Content-Length": str(len(data) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        breaks = request.method == "GET" and self.faults.happens("break_downloads")

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(start, len(data), _PIECE):
                if breaks and at + _PIECE - start > self.faults.after:
                    yield data[at : max(at, start + self.faults.after)]
                    raise ConnectionAbortedError
                yield data[at : at + _PIECE]

        return StreamingResponse(pieces(), 206 if start else 200, headers, "application/octet-stream")


@contextmanager
def serve(registry: Registry, **options: Any) -> Iterator[str]:
    """Run a registry in a thread and yield its host and port on loopback.

    Args:
        registry: What to run.
        options: For ``uvicorn.Config``, such as ``ssl_certfile``.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        settings: dict[str, Any] = {"log_level": "critical", "lifespan": "off", "ws": "none", "interface": "asgi3"}
        config = uvicorn.Config(registry.app, timeout_graceful_shutdown=1, **settings, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_until_up(server, thread)
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_START_SECONDS)


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    up = threading.Event()
    for _ in range(int(_START_SECONDS * 100)):
        if server.started:
            return
        if not thread.is_alive():
            break
        up.wait(0.01)
    raise RuntimeError("the registry for tests did not start")


def _needs(manifest: Mapping[str, Any]) -> set[str]:
    listed = [*manifest.get("layers", []), *manifest.get("manifests", [])]
    return {item["digest"] for item in [*listed, *([manifest["config"]] if "config" in manifest else [])]}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status, dict(headers or {}))
