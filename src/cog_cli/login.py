"""Logins: asked, tried at the registry, and kept where docker and podman look for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from cog_core.certificates import company_file
from cog_core.errors import RegistryError, UsageError
from cog_core.process import Command
from cog_oci.client import Client
from cog_oci.credentials import Login, erase_login, helper_name, save_login, server_name
from cog_oci.errors import OciError
from cog_oci.transport import Transport, TransportOptions

if TYPE_CHECKING:
    from cog_core.process import Runner
    from cog_core.settings import Settings

REPLICATE: Final = "r8.im"
TOKEN_PAGE: Final = "https://replicate.com/auth/token"  # noqa: S105 - an address
_LARGEST_ANSWER: Final = 1 << 16
_HELPER_PATIENCE: Final = 30.0


def check(registry: str, login: Login, settings: Settings) -> None:
    """Return if a registry lets somebody in.

    Raises:
        RegistryError: It does not, or is out of reach.
    """
    try:
        Client(transport(settings), lambda *_: login).check_login(registry)
    except OciError as error:
        raise RegistryError(error.message, hint=error.hint) from error


def save(registry: str, login: Login, settings: Settings, run: Runner) -> str:
    """Keep a login with the credential helper of Docker's configuration, else in the file, and say where.

    Raises:
        RegistryError: It could not be kept.
    """
    path = Path(settings.environ.get("DOCKER_CONFIG") or settings.home / ".docker") / "config.json"
    try:
        helper = helper_name(path, registry)
        if helper is None:
            save_login(path, registry, login)
            return str(path)
        _give_to_helper(helper, registry, login, settings, run)
        erase_login(path, registry)
    except (OciError, OSError) as error:
        raise RegistryError(f"failed to save credentials: {error}") from error
    return f"docker-credential-{helper}"


def _give_to_helper(helper: str, registry: str, login: Login, settings: Settings, run: Runner) -> None:
    """Store by the helper's protocol (github.com/docker/docker-credential-helpers, "store")."""
    entry = {"ServerURL": server_name(registry), "Username": login.username, "Secret": login.password}
    command = Command(
        argv=(f"docker-credential-{helper}", "store"),
        stdin=json.dumps(entry).encode(),
        env=settings.environ,
        secrets=frozenset({login.password}),
        timeout=_HELPER_PATIENCE,
    )
    run(command).check()


def token_page(settings: Settings) -> str:
    """Return where a person gets a token for Replicate's registry, as the registry says."""
    try:
        answer = _ask("GET", "/cog/v1/display-token-url", settings)
    except OciError:
        return TOKEN_PAGE
    url = answer.get("url")
    return url if isinstance(url, str) and url.startswith("https://") else TOKEN_PAGE


def replicate_login(token: str, settings: Settings) -> Login:
    """Return the login that a token of Replicate's stands for.

    Raises:
        UsageError: It is no such token.
        RegistryError: The registry does not know it.
    """
    if not token:
        raise UsageError("token is empty")
    if token.startswith("r8_"):
        raise UsageError(
            "that looks like a Replicate API token, not a CLI auth token. "
            f"Please fetch a token from {TOKEN_PAGE} to log in"
        )
    try:
        answer = _ask("POST", "/cog/v1/verify-token", settings, {"token": token})
    except OciError as error:
        raise RegistryError(f"failed to verify token: {error.message}", hint=error.hint) from error
    username = answer.get("username")
    if not isinstance(username, str) or not username:
        raise RegistryError("failed to verify token, the answer holds no user name")
    return Login(username, token)


def _ask(method: str, path: str, settings: Settings, form: dict[str, str] | None = None) -> dict[str, Any]:
    scheme = settings.environ.get("R8_SCHEME") or "https"
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    body = urlencode(form).encode() if form else None
    url = f"{scheme}://{settings.registry}{path}"
    with transport(settings).request(method, url, headers=headers, body=body) as response:
        if response.status == 404:
            raise RegistryError("user does not exist")
        if response.status != 200:
            raise RegistryError(f"failed to verify token, got status {response.status}")
        text = response.read_all(_LARGEST_ANSWER)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {}


def transport(settings: Settings) -> Transport:
    """Return the door to registries, with the proxies and certificates of the network."""
    return Transport(TransportOptions(ca_file=company_file(settings), proxies=settings.proxies))
