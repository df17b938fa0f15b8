"""Uploading output files: a PUT for each, several at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from cog_runtime.server import http_client

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cog_runtime.wire import Part

_TIMEOUT = 25.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10


class UploadFailed(OSError):
    """A file could not be uploaded."""


class Uploads:
    """Puts files where ``--upload-url`` says.

    Args:
        base: The URL; the file's name is added after a slash.
        user_agent: What we call ourselves.
        executor: Threads to wait in.
    """

    def __init__(self, base: str, user_agent: str, executor: Executor) -> None:
        self._base = base if base.endswith("/") else f"{base}/"
        self._user_agent = user_agent
        self._executor = executor

    async def __call__(self, part: Part, media_type: str) -> str:
        """Upload a file and return its URL, without a query: the ``Location`` that came, else where it was put.

        Raises:
            UploadFailed: The other side is out of reach or refuses.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._put, part, media_type)

    def _put(self, part: Part, media_type: str) -> str:
        url = self._base + quote(part.name)
        headers = {"Content-Type": media_type, "User-Agent": self._user_agent}
        try:
            for _ in range(_MOST_REDIRECTS):
                reply = http_client.send("PUT", url, part.data, headers, _TIMEOUT)
                if reply.status not in _REDIRECTS or not reply.location:
                    break
                url = urljoin(url, reply.location)
        except (OSError, ValueError) as error:
            raise UploadFailed(f"Upload of {part.name} failed: {error}") from error
        if not 200 <= reply.status < 300:
            raise UploadFailed(f"Upload of {part.name} failed: HTTP status {reply.status}")
        return _without_query(urljoin(url, reply.location) if reply.location else url)


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
