"""What stands before all routes, where it is wanted: a token, and which sites' pages may call."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from cog_runtime.server.responses import error, send_json
from cog_runtime.server.routes import page

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from cog_runtime.server.settings import Settings

_OPEN = frozenset({"/livez", "/readyz", "/health-check"})
"""What probes ask, which have no token."""

_ASKS = frozenset({"/", "/docs"})
"""Pages that ask for the token; they say nothing about the model."""


def guarded(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return the application behind what the settings ask for; itself when they ask for nothing."""
    if settings.auth_token is not None:
        app = _Token(app, settings.auth_token)
    if settings.cors_origins:
        from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415 - few need it

        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "PUT"),
            allow_headers=("*",),
            expose_headers=("X-Request-ID", "Retry-After"),
        )
    return app


class _Token:
    """Lets only those in who know the token (RFC 6750, section 2.1)."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_open(scope) or self._is_known(dict(scope["headers"]).get(b"authorization", b"")):
            await self._app(scope, receive, send)
        else:
            await send_json(send, 401, error("A bearer token is needed"), (b"www-authenticate", b"Bearer"))

    def _is_known(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._wanted)


def _is_open(scope: Scope) -> bool:
    """Return whether a path is answered to everybody."""
    path: str = scope["path"]
    return path in _OPEN or path.startswith(page.FOLDER) or (path in _ASKS and page.wants_page(scope))
