"""Requests that the server makes itself, in threads: webhooks and uploads."""

from __future__ import annotations

import io
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Mapping, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

SCHEMES = ("http://", "https://")


class Reply(NamedTuple):
    """What the other side said.

    Attributes:
        status: The HTTP status.
        location: Its ``Location``; empty when there is none.
        url: What was asked.
    """

    status: int
    location: str
    url: str


class _Stay(HTTPRedirectHandler):
    """Redirects are the caller's business: urllib would turn a PUT into a GET."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class _Within(io.RawIOBase):
    """What comes from a socket until a moment: a timeout of sockets is about each piece, and pieces may be small."""

    def __init__(self, sock: Any, seconds: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", 0)
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left)
        found: int | None = self._file.readinto(buffer)
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def _bounded(kind: type[HTTPConnection], timeout: float) -> type[HTTPConnection]:
    """Return a class of connections whose answers have to be complete in time."""

    class Response(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            usual, self.fp = self.fp, io.BufferedReader(_Within(sock, timeout))
            usual.close()

    return type(kind.__name__, (kind,), {"response_class": Response})


class _Plain(HTTPHandler):
    def http_open(self, req: Request) -> Any:
        return self.do_open(_bounded(HTTPConnection, req.timeout or 0), req)


class _Secure(HTTPSHandler):
    def https_open(self, req: Request) -> Any:
        return self.do_open(_bounded(HTTPSConnection, req.timeout or 0), req)


def send(method: str, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
    """Send one request, through the proxies of the environment, and follow no redirect.

    Args:
        method: What to do.
        url: With whom.
        body: What to send.
        headers: Sent too.
        timeout: Seconds that the connection, the sending, and the whole of the answer may take, each.

    Raises:
        OSError: The other side is out of reach, or does not speak HTTP.
        ValueError: The URL is not one of http or https.
    """
    if not url.lower().startswith(SCHEMES):
        raise ValueError("not a URL of http or https")
    request = Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - the scheme was checked
    try:
        with build_opener(_Stay, _Plain, _Secure).open(request, timeout=timeout) as answer:
            answer.read(1 << 16)
            return Reply(answer.status, answer.headers.get("Location") or "", url)
    except HTTPError as error:
        with error:
            return Reply(error.code, error.headers.get("Location") or "", url)
    except URLError as error:
        raise OSError(str(error.reason)) from error
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
