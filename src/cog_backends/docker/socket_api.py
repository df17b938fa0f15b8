"""What every build asks an engine on this machine, over its socket, in docker-py's words.

docker-py and its HTTP library take longer to import than many builds take, so they are loaded for what only they
can do: running, pulling, pushing, streams, engines elsewhere. What is asked is described in the Docker Engine API
(docs.docker.com, "Docker Engine API", version 1.24 and later), asked in HTTP 1.0 (RFC 1945): one question a
connection, whose end is the end of the answer.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMEOUT: Final = 60.0
_BAD_REQUEST: Final = 400


class Refused(Exception):
    """The engine answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Silent(Exception):
    """The engine did not answer."""


class SocketApi:
    """An engine behind a Unix socket; what is not here is taken from docker-py's client.

    Args:
        path: Of the socket.
        rest: Makes docker-py's client.
    """

    def __init__(self, path: str, rest: Callable[[], Any]) -> None:
        self._path = path
        self._make_rest = rest
        self._rest: Any = None

    def __getattr__(self, name: str) -> Any:
        """Return what docker-py has."""
        if self._rest is None:
            self._rest = self._make_rest()
        return getattr(self._rest, name)

    def version(self) -> dict[str, Any]:
        """Return the engine's version and platform."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/version"))
        return found

    def info(self) -> dict[str, Any]:
        """Return how the engine is set up."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/info"))
        return found

    def inspect_image(self, image: str) -> dict[str, Any]:
        """Return what the engine knows about an image."""
        found: dict[str, Any] = json.loads(self._ask("GET", f"/images/{quote(image, safe='/:@')}/json"))
        return found

    def history(self, image: str) -> list[dict[str, Any]]:
        """Return the steps that made an image, the newest first."""
        found: list[dict[str, Any]] = json.loads(self._ask("GET", f"/images/{quote(image, safe='/:@')}/history"))
        return found

    def remove_image(self, image: str, *, noprune: bool = False) -> None:
        """Take a name from the store, and what nothing else needs with it."""
        self._ask("DELETE", f"/images/{quote(image, safe='/:@')}?noprune={int(noprune)}")

    def _ask(self, method: str, path: str) -> bytes:
        """Return the body of an answer.

        Raises:
            Refused: It is an error.
            Silent: There is none.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(self._path)
                connection.sendall(f"{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                with connection.makefile("rb") as file:
                    head, _, body = file.read().partition(b"\r\n\r\n")
            status = int(head.split(maxsplit=2)[1])
        except (OSError, ValueError, IndexError) as error:
            raise Silent(f"the Docker engine does not answer: {error!r}") from error
        if status >= _BAD_REQUEST:
            raise Refused(status, _message(body))
        return body


def _message(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text or "the engine refused without a reason"
