"""User names and passwords inside URLs: find them, and take them out of anything that is shown or stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

# The authority of a URL up to its last "@" (RFC 3986, section 3.2).
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<userinfo>[^/\s?#'\"]*)@(?P<host>[^/\s:?#@'\"\]]*)")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


@attrs.frozen
class Login(Frozen):
    """A user name and password for a host.

    Attributes:
        host: Without its port, as netrc files name hosts.
        user: Decoded; a token that stands alone is a user name.
        password: Decoded; empty when there is none.
    """

    host: str
    user: str
    password: str = attrs.field(repr=False, default="")


def without_credentials(text: str) -> str:
    """Return the text with user names and passwords removed from every URL in it.

    The user of an ``ssh://`` URL stays: it is no secret, and nothing works without it.
    """
    return _USERINFO.sub(_stripped, text)


def logins(text: str) -> Iterator[Login]:
    """Yield the credentials of the http and https URLs in a text."""
    for match in _USERINFO.finditer(text):
        user, _, password = match["userinfo"].partition(":")
        if not _keeps_user(match) and (user or password):
            yield Login(match["host"].lower(), unquote(user), unquote(password))


def secrets(text: str) -> frozenset[str]:
    """Return what must not be shown of the URLs in a text, as written and decoded.

    A reference to a variable, ``${NAME}``, is no secret.
    """
    found: set[str] = set()
    for match in _USERINFO.finditer(text):
        user, _, password = match["userinfo"].partition(":")
        secret = password or ("" if _keeps_user(match) else user)
        if not _REFERENCE.fullmatch(secret):
            found |= {secret, unquote(secret), match["userinfo"]} if password or secret else set()
    return frozenset(filter(None, found))


def _keeps_user(match: re.Match[str]) -> bool:
    return match["scheme"].lower().rpartition("+")[2] in {"ssh", "git"}


def _stripped(match: re.Match[str]) -> str:
    user = match["userinfo"].partition(":")[0]
    return (
        f"{match['scheme']}://{user}@{match['host']}"
        if user and _keeps_user(match)
        else f"{match['scheme']}://{match['host']}"
    )
