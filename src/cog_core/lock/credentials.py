"""What an installer in the image needs and the image must never hold: logins for indices, and authorities."""

from __future__ import annotations

import json
import netrc
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cog_core.certificates import ca_bundle
from cog_core.config.urls import Login, logins, without_credentials
from cog_core.errors import CogError
from cog_core.ir.lower import CA_CERT, NETRC
from cog_core.lock.indices import gather, host_of
from cog_core.process import Command
from cog_core.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cog_core.lock.indices import Indices
    from cog_core.process import Runner
    from cog_core.resolve import ResolvedBuild
    from cog_core.settings import Settings

_URL = re.compile(r"https?://[^\s;,'\"]+")
_KEYRING_TIMEOUT = 30.0
_NEEDS_QUOTES = re.compile(r"[\s\"\\]")


def build_secrets(resolved: ResolvedBuild, *, settings: Settings, run: Runner) -> dict[str, Secret]:
    """Return the secrets that the build's package installer needs, by the ids of :mod:`cog_core.ir.lower`.

    ``cog-netrc`` holds a login for each host of the build that has one: in a URL, else in the user's netrc file, else
    in the keyring; other hosts of the netrc file stay out. ``cog-ca-cert`` holds certificate authorities when
    ``COG_CA_CERT`` is set.

    Raises:
        UsageError: ``COG_CA_CERT`` is none of the forms that it may have.
    """
    secrets: dict[str, Secret] = {}
    if found := build_logins(resolved, settings=settings, run=run):
        secrets[NETRC] = Secret(value=netrc_text(found).encode())
    if bundle := ca_bundle(settings):
        secrets[CA_CERT] = Secret(value=bundle)
    return secrets


def build_logins(resolved: ResolvedBuild, *, settings: Settings, run: Runner) -> tuple[Login, ...]:
    """Return one login a host for the indices and URLs of a build, sorted by host."""
    indices = gather(resolved.index, settings)
    texts = [url for _, url in indices.urls] + [line.text for line in resolved.requirements]
    found: dict[str, Login] = {}
    hosts = {host_of(url) for text in texts for url in _URL.findall(text)} - {""}
    for login in (*(login for text in texts for login in logins(text)), *_of_netrc(settings, hosts)):
        if login.host not in found or not found[login.host].password:
            found[login.host] = login
    for login in _of_keyring(indices, found, settings, run):
        found[login.host] = login
    return tuple(sorted(found.values(), key=lambda login: login.host))


def netrc_text(found: Iterable[Login]) -> str:
    """Return a netrc file (GNU inetutils manual, "The .netrc file").

    A word with blanks, quotes or backslashes is put in quotes, which readers before Python 3.11 take literally.
    """
    return "".join(
        f"machine {login.host}\nlogin {_word(login.user)}\npassword {_word(login.password)}\n" for login in found
    )


def _word(text: str) -> str:
    if text and not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _of_netrc(settings: Settings, hosts: Iterable[str]) -> Iterator[Login]:
    """Yield the logins for these hosts; the entry for all other hosts, ``default``, is nobody's in particular."""
    chosen = settings.environ.get("NETRC")
    files = [Path(chosen)] if chosen else [settings.home / ".netrc", settings.home / "_netrc"]
    for file in files:
        try:
            known = netrc.netrc(file).hosts
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            continue
        for host in sorted(hosts):
            if host in known:
                user, _, password = known[host]
                yield Login(host, user or "", password or "")
        return


def _of_keyring(indices: Indices, found: dict[str, Login], settings: Settings, run: Runner) -> Iterator[Login]:
    """Ask the ``keyring`` command, if there is one, about indices whose password nobody else knows."""
    asked = set[str]()
    for _, url in indices.urls:
        host = host_of(url)
        known = found.get(host)
        if not host or host in asked or (known and known.password):
            continue
        asked.add(host)
        if login := _ask_keyring(without_credentials(url), host, known.user if known else "", settings, run):
            yield login


def _ask_keyring(url: str, host: str, user: str, settings: Settings, run: Runner) -> Login | None:
    modes = ("get", url, user) if user else ("--mode", "creds", "--output", "json", "get", url)
    command = Command(argv=("keyring", *modes), env=settings.environ, timeout=_KEYRING_TIMEOUT)
    try:
        done = run(command)
    except CogError:  # not installed, or waiting for somebody to unlock it
        return None
    answer = done.stdout.strip()
    if done.code or not answer:
        return None
    if user:
        return Login(host, user, answer)
    try:
        document = json.loads(answer)
        return Login(host, str(document["username"]), str(document["password"]))
    except (ValueError, KeyError, TypeError):
        return None
