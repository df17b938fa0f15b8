"""Saying who we are: bearer tokens and passwords (distribution.github.io, "Token Authentication Specification")."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import attrs

from cog_oci import canonical, clock
from cog_oci.challenge import Challenge, parse_challenges
from cog_oci.errors import InvalidImage, RegistryFailure, Unauthorized
from cog_oci.frozen import Frozen
from cog_oci.transport import show

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_oci.credentials import Login
    from cog_oci.transport import Response, Transport

    Credentials: TypeAlias = Callable[[str, str], Login | None]

_CLIENT: Final = "cog-core"
_LARGEST_ANSWER = 1 << 18
# A token that names no life has 60 seconds; one that is about to die is not used any more.
_USUAL_LIFE = 60.0
_MARGIN = 10.0


@attrs.frozen(kw_only=True)
class Access(Frozen):
    """What a request is about to do.

    Attributes:
        registry: Host, with its port if it has one.
        repository: Path there; empty for the registry as a whole.
        actions: ``pull`` or ``pull,push``.
        source: Repository of the same registry that blobs are to be mounted from.
    """

    registry: str
    repository: str = ""
    actions: str = "pull"
    source: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What to ask a token for."""
        scopes = [f"repository:{self.repository}:{self.actions}"] if self.repository else []
        return (*scopes, f"repository:{self.source}:pull") if self.source else tuple(scopes)


@attrs.frozen(repr=False)
class _Token(Frozen):
    header: str
    expires: float


class Authenticator:
    """Remembers what each registry asked for and the tokens that it gave; safe to share between threads.

    Nothing is sent before a registry asked for it, and what is sent goes to that registry or to the token service
    that it names, by https (or by http, from a registry that is spoken to so itself).
    """

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self._transport = transport
        self._credentials = credentials
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[Access, _Token] = {}
        self._lock = threading.Lock()

    def header(self, access: Access) -> str | None:
        """Return the ``Authorization`` header for a request; None while the registry asked for nothing.

        Raises:
            Unauthorized: The registry's token service says no.
            RegistryFailure: It is out of reach or talks nonsense.
        """
        with self._lock:
            challenge = self._challenges.get(access.registry)
            if challenge is None:
                return None
            known = self._tokens.get(access)
            if known is None or known.expires <= clock.monotonic():
                known = self._tokens[access] = self._answer(challenge, access)
            return known.header

    def refused(self, access: Access, sent: str | None, response: Response) -> bool:
        """Take note of an answer 401; say whether it is worth asking again.

        Args:
            access: What was asked for.
            sent: The header that was sent.
            response: The answer.
        """
        supported = [item for item in parse_challenges(response.challenges()) if item.scheme in {"bearer", "basic"}]
        # Bearer before Basic, as a token says less than a password.
        challenge = max(supported, key=lambda item: item.scheme, default=None)
        if challenge is None:
            return False
        with self._lock:
            self._challenges[access.registry] = challenge
            known = self._tokens.get(access)
            if known is not None and known.header == sent:
                del self._tokens[access]
            if challenge.scheme == "basic":
                return sent is None and self._credentials(access.registry, access.repository) is not None
            return True

    def _answer(self, challenge: Challenge, access: Access) -> _Token:
        login = self._credentials(access.registry, access.repository)
        if challenge.scheme == "basic":
            if login is None:
                raise _unauthorized(access, "wants a login")
            return _Token(_basic(login), float("inf"))
        answer = self._ask(challenge, access, login)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RegistryFailure(f"the token service of {access.registry} gives no token", reference=access.registry)
        life = answer.get("expires_in")
        life = life if isinstance(life, int | float) and life >= _USUAL_LIFE else _USUAL_LIFE
        return _Token(f"Bearer {token}", clock.monotonic() + life - _MARGIN)

    def _ask(self, challenge: Challenge, access: Access, login: Login | None) -> dict[str, Any]:
        realm = challenge.parameters.get("realm", "")
        base = self._transport.base(access.registry)
        if urlsplit(realm).scheme != "https" and not (realm.startswith("http://") and base.startswith("http://")):
            raise RegistryFailure(
                f"{access.registry} names a token service that is not an https address", reference=access.registry
            )
        query = [("service", service)] if (service := challenge.parameters.get("service")) else []
        if login is not None and login.identity_token is not None:
            response = self._refresh(realm, query, access, login.identity_token)
        else:
            headers = {} if login is None else {"Authorization": _basic(login)}
            query += [("scope", scope) for scope in access.scopes]
            response = self._transport.request("GET", _with_query(realm, query), headers=headers)
        with response:
            if response.status in {401, 403}:
                raise _unauthorized(access, "refuses the login" if login else "wants a login")
            if response.status != 200:
                raise RegistryFailure(
                    f"the token service of {access.registry}, {show(realm)}, answers {response.status}",
                    status=response.status,
                    reference=access.registry,
                    retryable=response.status == 429 or response.status >= 500,
                )
            try:
                return canonical.load(response.read_all(_LARGEST_ANSWER), what="the answer")
            except InvalidImage as error:
                raise RegistryFailure(f"the token service {show(realm)} does not answer in JSON") from error

    def _refresh(self, realm: str, query: list[tuple[str, str]], access: Access, token: str) -> Response:
        """Ask with an identity token (OAuth 2, RFC 6749, section 6)."""
        form = [
            *query,
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", _CLIENT),
            ("scope", " ".join(access.scopes)),
        ]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._transport.request("POST", realm, headers=headers, body=urlencode(form).encode())


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _with_query(url: str, query: list[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query]), fragment=""))


def _unauthorized(access: Access, what: str) -> Unauthorized:
    return Unauthorized(
        f"{access.registry} {what}" + (f" for {access.repository}" if access.repository else ""),
        hint=f"Log in with `cog login {access.registry}`, and check the image's name.",
        status=401,
        code="UNAUTHORIZED",
        reference=access.repository or access.registry,
    )
