"""Where packages come from: the project's own options, then the user's settings for uv and pip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from cog_core.config.urls import without_credentials
from cog_core.lock.pip_settings import pip_settings
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cog_core.resolve import IndexOption
    from cog_core.settings import Settings

_REMOTE = re.compile(r"https?://")
_ON = {"1", "true", "yes", "on"}


def _shown(urls: Iterable[str]) -> str:
    return repr([without_credentials(url) for url in urls])


@attrs.frozen(kw_only=True)
class Indices(Frozen):
    """Everything that decides where a package may come from. URLs may hold credentials.

    Attributes:
        urls: Pairs of pip's option and its URL, in order.
        trusted_hosts: Hosts whose certificates are not checked.
        no_index: Only ``--find-links`` counts.
        pre: Pre-releases are welcome.
        no_binary: Packages that must be built, normalised, or ``:all:``.
        flags: Further options for pip in the image, as lines.
    """

    urls: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=lambda pairs: _shown(url for _, url in pairs))
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    pre: bool = False
    no_binary: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The options as pip writes them, without credentials; what an image and a cache key may hold."""
        return (
            *(f"{flag} {without_credentials(url)}" for flag, url in self.urls),
            *(f"--trusted-host {host}" for host in self.trusted_hosts),
            *self.flags,
        )

    @property
    def secret_lines(self) -> tuple[str, ...]:
        """The options about URLs with their credentials; for the resolver's standard input only."""
        return tuple(f"{flag} {url}" for flag, url in self.urls)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of all hosts, each once."""
        return tuple(dict.fromkeys(filter(None, (host_of(url) for _, url in self.urls))))


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, without its port; empty when it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def gather(options: Iterable[IndexOption], settings: Settings) -> Indices:
    """Put the project's options and the user's settings together.

    The first ``--index-url`` counts, in this order: the project, uv's variables, pip's settings. Further indices add
    up. Folders of this machine in pip's ``find-links`` are left out: an image cannot see them.
    """
    options = tuple(options)
    pip = pip_settings(settings)
    user = (*_uv_urls(settings.environ), *_pip_urls(pip))
    project = tuple((option.flag, option.value) for option in options if _REMOTE.match(option.value))
    urls = _one_index((*project, *user))
    flags = {option.line for option in options if option.flag in {"--no-index", "--pre", "--prefer-binary"}}
    builds = [option for option in options if option.flag in {"--no-binary", "--only-binary"}]
    trusted = [option.value for option in options if option.flag == "--trusted-host"]
    no_index = "--no-index" in flags or pip.get("no-index", "").lower() in _ON
    return Indices(
        urls=tuple(pair for pair in urls if not no_index or pair[0] == "--find-links"),
        trusted_hosts=tuple(dict.fromkeys((*trusted, *_words(pip, "trusted-host"), *_uv_hosts(settings.environ)))),
        no_index=no_index,
        pre="--pre" in flags or pip.get("pre", "").lower() in _ON,
        no_binary=_no_binary(builds),
        flags=(*sorted(flags | ({"--no-index"} if no_index else set())), *(option.line for option in builds)),
    )


def _one_index(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    pairs = tuple(dict.fromkeys(pairs))
    first = next((pair for pair in pairs if pair[0] == "--index-url"), None)
    if first:
        yield first
    yield from (pair for pair in pairs if pair[0] != "--index-url" and pair[1] != (first or ("", ""))[1])


def _uv_urls(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Read uv's variables; an entry of ``UV_INDEX`` may have a name in front (uv documentation, "Environment")."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if url := environ.get(name):
            yield "--index-url", _without_name(url)
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL"):
        for url in environ.get(name, "").split():
            yield "--extra-index-url", _without_name(url)
    for url in re.split(r"[\s,]+", environ.get("UV_FIND_LINKS", "")):
        if _REMOTE.match(url):
            yield "--find-links", url


def _without_name(url: str) -> str:
    return re.sub(r"^[A-Za-z0-9_-]+=(?=\w+:)", "", url)


def _uv_hosts(environ: Mapping[str, str]) -> list[str]:
    return environ.get("UV_INSECURE_HOST", "").split()


def _pip_urls(pip: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in ("index-url", "extra-index-url"):
        for url in _words(pip, name):
            yield f"--{name}", url
    for url in _words(pip, "find-links"):
        if _REMOTE.match(url):
            yield "--find-links", url


def _words(pip: Mapping[str, str], name: str) -> list[str]:
    return pip.get(name, "").split()


def _no_binary(options: Iterable[IndexOption]) -> frozenset[str]:
    """Return what must be built; a later ``:none:`` takes everything back, as in pip."""
    names = set[str]()
    for option in options:
        if option.flag != "--no-binary":
            continue
        for name in filter(None, option.value.split(",")):
            names = set() if name == ":none:" else names | {re.sub(r"[-_.]+", "-", name).lower()}
    return frozenset(names)
