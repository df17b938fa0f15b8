"""The door to Debian mirrors: the only module of this package that talks HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote

import attrs
import urllib3

from cog_backends.oci.debian.aptconf import proxy_for
from cog_backends.oci.debian.store import atomic_file
from cog_core.errors import BackendError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

PARALLEL: Final = 4
"""Connections to one mirror at a time, so that a build is no burden to it."""

_CHUNK: Final = 1 << 18
_ATTEMPTS: Final = 3
_TIMEOUT: Final = urllib3.Timeout(connect=15, read=60)
_RETRIES: Final = urllib3.Retry(
    total=4, redirect=5, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
)
_REACH_HINT: Final = "Check the network and the proxy settings of apt, or set COG_DEBIAN_MIRROR to a mirror in reach."


class Unreachable(BackendError):
    """A mirror does not answer, or breaks off."""


class BrokenOff(Unreachable):
    """A connection ended in the middle of a file."""


class NotThere(BackendError):
    """The mirror answers, and has no such file."""


class Corrupt(BackendError):
    """The mirror sent something else than the signed lists promise."""


@attrs.frozen(kw_only=True)
class Network(Frozen):
    """How mirrors are reached.

    Attributes:
        apt: Settings of apt, as :func:`~cog_backends.oci.debian.aptconf.read_apt_conf` returns them; its proxies win.
        proxies: Proxy variables by lower-case name, such as ``http_proxy`` and ``no_proxy``.
        authorities: PEM text of certificate authorities to trust besides the machine's own.
    """

    apt: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    proxies: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    authorities: str | None = attrs.field(default=None, repr=False)

    def proxy(self, scheme: str, host: str) -> str | None:
        """Return the address of the proxy for a host; None: connect directly."""
        if chosen := proxy_for(scheme, host, self.apt):
            return None if chosen == "DIRECT" else chosen
        if _is_exempt(host, self.proxies.get("no_proxy", "")):
            return None
        return self.proxies.get(f"{scheme}_proxy") or self.proxies.get("all_proxy")


def _is_exempt(host: str, no_proxy: str) -> bool:
    """Read ``no_proxy`` as curl does: host names and domains separated by commas, or an asterisk."""
    names = [name.strip().lower().lstrip(".") for name in no_proxy.split(",") if name.strip()]
    return any(name == "*" or host.lower() == name or host.lower().endswith(f".{name}") for name in names)


class Fetcher:
    """Fetches files from mirrors, with a few attempts each; may be used by several threads."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def read(self, url: str, *, limit: int) -> bytes:
        """Return a small file.

        Args:
            url: Address, with credentials if need be.
            limit: Most bytes that the file may have.

        Raises:
            NotThere: The mirror has no such file.
            Unreachable: The mirror does not answer.
            Corrupt: The file is larger than ``limit``.
        """
        return _attempts(lambda: b"".join(self._stream(url, limit)))

    def download(
        self, url: str, target: Path, *, size: int, sha256: str, on_bytes: Callable[[int], None] = lambda _: None
    ) -> None:
        """Save a file whose size and checksum are known; it takes its place only when both are right.

        Args:
            url: Address, with credentials if need be.
            target: Where the file goes.
            size: Its length in bytes.
            sha256: Its checksum in hexadecimal.
            on_bytes: Called with the length of each part that came; negative when an attempt starts over.

        Raises:
            NotThere: The mirror has no such file.
            Unreachable: The mirror does not answer.
            Corrupt: The file is not the promised one.
        """
        _attempts(lambda: self._save(url, target, size, sha256, on_bytes))

    def _save(self, url: str, target: Path, size: int, sha256: str, on_bytes: Callable[[int], None]) -> None:
        digest, done = hashlib.sha256(), 0
        try:
            with atomic_file(target) as file:
                for chunk in self._stream(url, size):
                    digest.update(chunk)
                    file.write(chunk)
                    done += len(chunk)
                    on_bytes(len(chunk))
                if (done, digest.hexdigest()) != (size, sha256):
                    raise Corrupt(
                        f"{shown(url)} is not what the signed lists promise ({done} of {size} bytes)",
                        hint="The mirror may be in the middle of an update, or something on the way changes files.",
                    )
        except BackendError:
            on_bytes(-done)
            raise

    def _stream(self, url: str, limit: int) -> Iterator[bytes]:
        address = urllib3.util.parse_url(url)
        headers = urllib3.make_headers(basic_auth=unquote(address.auth)) if address.auth else {}
        pool = self._pool(self._network.proxy(address.scheme or "http", address.host or ""))
        try:
            response = pool.request(
                "GET",
                address._replace(auth=None).url,
                headers=headers | {"Accept-Encoding": "identity"},
                preload_content=False,
                decode_content=False,
                retries=_RETRIES,
                timeout=_TIMEOUT,
            )
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(url, error) from error
        try:
            _check_status(url, response.status)
            yield from _bounded(url, response, limit)
        except urllib3.exceptions.HTTPError as error:
            raise BrokenOff(f"{shown(url)}: {error}", hint=_REACH_HINT) from error
        finally:
            response.close() if response.length_remaining else response.release_conn()

    def _pool(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy not in self._pools:
            context = ssl.create_default_context()
            if self._network.authorities:
                context.load_verify_locations(cadata=self._network.authorities)
            self._pools[proxy] = _manager(proxy, context)
        return self._pools[proxy]


def _manager(proxy: str | None, context: ssl.SSLContext) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(maxsize=PARALLEL, ssl_context=context)
    address = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
    if address.scheme not in {"http", "https"}:
        raise BackendError(
            f"proxies of the kind {address.scheme} are not supported",
            hint="Name an HTTP proxy in the proxy variables or in apt's configuration.",
        )
    headers = urllib3.make_headers(proxy_basic_auth=unquote(address.auth)) if address.auth else None
    return urllib3.ProxyManager(
        address._replace(auth=None).url, maxsize=PARALLEL, ssl_context=context, proxy_headers=headers
    )


def _attempts(action: Callable[[], T]) -> T:
    """Do something that a broken connection may end, up to three times."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(BrokenOff):
            return action()
    return action()


def _bounded(url: str, response: urllib3.BaseHTTPResponse, limit: int) -> Iterator[bytes]:
    done = 0
    for chunk in response.stream(_CHUNK):
        done += len(chunk)
        if done > limit:
            raise Corrupt(f"{shown(url)} is larger than the {limit} bytes that were expected")
        yield chunk


def _check_status(url: str, status: int) -> None:
    if status in {404, 410}:
        raise NotThere(f"{shown(url)} is not there")
    if status in {401, 403, 407}:
        raise BackendError(
            f"{shown(url)}: access refused (status {status})",
            hint="Put the credentials into the address of the mirror or of the proxy.",
        )
    if status != 200:
        raise Unreachable(f"{shown(url)}: the mirror answered with status {status}", hint=_REACH_HINT)


def _unreachable(url: str, error: urllib3.exceptions.HTTPError) -> Unreachable:
    reason = getattr(error, "reason", None) or error
    return Unreachable(f"{shown(url)}: {reason}", hint=_REACH_HINT)


def shown(url: str) -> str:
    """Return an address as it may be shown: without credentials."""
    return urllib3.util.parse_url(url)._replace(auth=None).url
