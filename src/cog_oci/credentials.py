"""Logins in the files that Docker and podman share (Docker's ``config.json``; containers-auth.json(5))."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from cog_oci import canonical
from cog_oci.errors import InvalidCredentials, InvalidImage
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen
from cog_oci.locks import locked
from cog_oci.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Helper: TypeAlias = Callable[[str, str], tuple[str, str] | None]

_HUB_KEY = "https://index.docker.io/v1/"
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
# What helpers give as a user's name when the secret is an identity token (docker-credential-helpers, "README").
_TOKEN_USER = "<token>"  # noqa: S105  a marker, no secret


@attrs.frozen(repr=False)
class Login(Frozen):
    """A user's name with a password, or with a token that stands for one. Its representation shows neither.

    Attributes:
        username: May be empty beside an identity token.
        password: Empty beside an identity token.
        identity_token: What the registry's token service gave at login (OAuth 2 refresh token).
    """

    username: str
    password: str = ""
    identity_token: str | None = None

    def __repr__(self) -> str:
        """Return nothing that could end in a log."""
        return "Login(**********)"


def find_login(
    registry: str, repository: str = "", *, files: Sequence[Path], helper: Helper | None = None
) -> Login | None:
    """Return the login for a repository, or None to go without.

    Each file is asked in turn: its helper for this registry, then its helper for all, then what it holds itself,
    for the longest part of the repository's path that it knows.

    Args:
        registry: Host, with its port if it has one.
        repository: Path there.
        files: Files that may be missing.
        helper: Runs ``docker-credential-NAME get`` for a name and a registry; None: helpers are not asked.

    Raises:
        InvalidCredentials: A file is damaged.
    """
    for path in files:
        config = _read(path)
        found = _from_helper(config, registry, helper, path) or _from_auths(config, registry, repository, path)
        if found is not None:
            return found
    return None


def save_login(path: Path, registry: str, login: Login) -> None:
    """Add a login to a file, or replace it; everything else in the file stays, and only its owner may read it.

    Raises:
        InvalidCredentials: The file is damaged, or the user's name holds a colon, which the format cannot hold.
    """
    if ":" in login.username:
        raise InvalidCredentials(f"a user's name for {registry} cannot hold a colon")
    pair = f"{login.username}:{login.password}".encode()
    entry = {"auth": base64.b64encode(pair).decode()}
    if login.identity_token:
        entry["identitytoken"] = login.identity_token
    _change(path, registry, entry)


def erase_login(path: Path, registry: str) -> bool:
    """Take a login out of a file; False when it has none.

    Raises:
        InvalidCredentials: The file is damaged.
    """
    return path.exists() and _change(path, registry, None)


def helper_name(path: Path, registry: str) -> str | None:
    """Return the name of the helper that a file gives a registry's logins to.

    Raises:
        InvalidCredentials: The file is damaged.
    """
    return _helper_name(_read(path), registry, path)


def server_name(registry: str) -> str:
    """Return what files and helpers call a registry: its host, but an old address for Docker Hub."""
    return _HUB_KEY if registry in _HUB_NAMES else registry


def _read(path: Path) -> dict[str, Any]:
    try:
        return canonical.load_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except InvalidImage as error:
        # The text of the file is not quoted: it holds secrets.
        raise InvalidCredentials(f"{path} is no JSON object") from error.__cause__


def _section(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = config.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidCredentials(f"{path} has a section {name!r} that is no object")
    return value


def _helper_name(config: dict[str, Any], registry: str, path: Path) -> str | None:
    helpers = _section(config, "credHelpers", path)
    name = next((helpers[key] for key in helpers if _host(key) == _host(registry)), config.get("credsStore"))
    return name if isinstance(name, str) and name else None


def _from_helper(config: dict[str, Any], registry: str, helper: Helper | None, path: Path) -> Login | None:
    name = _helper_name(config, registry, path)
    found = helper(name, server_name(registry)) if helper is not None and name is not None else None
    if found is None:
        return None
    username, secret = found
    return Login("", identity_token=secret) if username == _TOKEN_USER else Login(username, secret)


def _from_auths(config: dict[str, Any], registry: str, repository: str, path: Path) -> Login | None:
    auths = _section(config, "auths", path)
    for scope in _scopes(registry, repository):
        entry = next((auths[key] for key in auths if _scope(key) == scope), None)
        if isinstance(entry, dict) and (login := _login(entry, f"{path}: the login for {registry}")):
            return login
    return None


def _login(entry: dict[str, Any], what: str) -> Login | None:
    token = entry.get("identitytoken")
    username, password = _pair(entry, what)
    if isinstance(token, str) and token:
        return Login(username, identity_token=token)
    return Login(username, password) if username else None


def _pair(entry: dict[str, Any], what: str) -> tuple[str, str]:
    if not entry.get("auth"):
        return str(entry.get("username") or ""), str(entry.get("password") or "")
    try:
        text = base64.b64decode(entry["auth"], validate=True).decode().rstrip("\0")
    except (binascii.Error, ValueError, TypeError):
        raise InvalidCredentials(f"{what} is damaged", hint="Log in again.") from None
    username, colon, password = text.partition(":")
    if not colon:
        raise InvalidCredentials(f"{what} is damaged", hint="Log in again.")
    return username, password


def _scopes(registry: str, repository: str) -> Iterator[str]:
    """Yield host and path, then less and less of the path, as podman looks them up."""
    scope = f"{_host(registry)}/{repository}".rstrip("/")
    yield scope
    while "/" in scope:
        scope = scope.rpartition("/")[0]
        yield scope


def _scope(key: str) -> str:
    """Return what a key of the file stands for; old ones are addresses such as ``https://host/v1/``."""
    if "://" in key:
        return _host(key)
    host, slash, path = key.rstrip("/").partition("/")
    return _host(host) + slash + path


def _host(text: str) -> str:
    host = text.rpartition("://")[2].partition("/")[0]
    return DOCKER_HUB if host in _HUB_NAMES else host


def _change(path: Path, registry: str, entry: dict[str, str] | None) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(path.with_name(f".{path.name}.lock")):
        config = _read(path)
        auths = _section(config, "auths", path)
        old = [key for key in auths if _scope(key) == _host(registry)]
        left = {key: value for key, value in auths.items() if key not in old}
        if entry is not None:
            left[server_name(registry)] = entry
        if entry is not None or old:
            text = json.dumps({**config, "auths": left}, indent="\t") + "\n"
            replace_file(path.resolve(), text.encode(), mode=0o600)
        return bool(old)
