"""Requests that the server makes itself, in threads: webhooks and uploads."""

from __future__ import annotations

from http.client import HTTPException
from typing import Mapping, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

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


def send(method: str, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
    """Send one request, through the proxies of the environment, and follow no redirect.

    Raises:
        OSError: The other side is out of reach, or does not speak HTTP.
        ValueError: The URL is not one of http or https.
    """
    if not url.lower().startswith(SCHEMES):
        raise ValueError("not a URL of http or https")
    request = Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - the scheme was checked
    try:
        with build_opener(_Stay).open(request, timeout=timeout) as answer:
            answer.read(1 << 16)
            return Reply(answer.status, answer.headers.get("Location") or "", url)
    except HTTPError as error:
        with error:
            return Reply(error.code, error.headers.get("Location") or "", url)
    except URLError as error:
        raise OSError(str(error.reason)) from error
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
