"""The door to registries: the only place of this package that opens sockets."""

from __future__ import annotations

import functools
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import attrs
import urllib3
from urllib3 import exceptions as http

from cog_oci.digest import CHUNK
from cog_oci.errors import RegistryFailure
from cog_oci.frozen import Frozen
from cog_oci.proxies import is_loopback, proxy_for
from cog_oci.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Self

_HUB_HOST: Final = "registry-1.docker.io"
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WORTH_READING = 1 << 14
_PORTS = {"http": 80, "https": 443}


@attrs.frozen(kw_only=True)
class TransportOptions(Frozen):
    """How to reach registries.

    Attributes:
        ca_file: Certificates to trust beside the system's, as PEM.
        proxies: ``http_proxy`` and its relatives, by lower-case name; may hold credentials.
        plain_http: Registries that may be spoken to without TLS; those on this machine always may.
        user_agent: What to call ourselves.
        connect_timeout: Seconds.
        read_timeout: Seconds of silence until a connection counts as broken.
    """

    ca_file: Path | None = None
    proxies: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    plain_http: frozenset[str] = frozenset()
    user_agent: str = "cog-core"
    connect_timeout: float = 15.0
    read_timeout: float = 60.0


class Response:
    """An answer whose body is read as it comes; to be closed, best as a context manager."""

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str) -> None:
        self._response = response
        self.url = url
        self.status = response.status

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        return self._response.headers.get(name)

    def challenges(self) -> tuple[str, ...]:
        """Return all ``WWW-Authenticate`` headers."""
        return tuple(self._response.headers.getlist("WWW-Authenticate"))

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes of the body.

        Raises:
            RegistryFailure: The connection broke.
        """
        with _mapped(self.url):
            return self._response.read(size if size >= 0 else None, decode_content=False)

    def read_all(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            RegistryFailure: It has more than ``limit`` bytes, or the connection broke.
        """
        data = b""
        while len(data) <= limit and (more := self.read(min(CHUNK, limit + 1 - len(data)))):
            data += more
        if len(data) > limit:
            raise RegistryFailure(f"{show(self.url)} answers with more than {limit} bytes", status=self.status)
        return data

    def close(self) -> None:
        """Give the connection back if next to nothing of the body is left, else end it."""
        left = self._response.length_remaining
        if left is not None and left <= _WORTH_READING:
            self._response.drain_conn()
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport:
    """Connections to registries; safe to share between threads, and a context manager that closes them."""

    def __init__(self, options: TransportOptions | None = None) -> None:
        self._options = options or TransportOptions()
        self._pools: dict[tuple[str, str | None], urllib3.PoolManager] = {}
        self._bases: dict[str, str] = {}
        self._base_lock = threading.Lock()
        self._pool_lock = threading.Lock()

    def base(self, registry: str) -> str:
        """Return the address of a registry, without a slash at its end.

        It begins with ``https``; only a registry that may be spoken to without TLS, and does not speak it, gets
        ``http``.

        Raises:
            RegistryFailure: It is out of reach.
        """
        host = _HUB_HOST if registry == DOCKER_HUB else registry
        if not self._may_be_plain(host):
            return f"https://{host}"
        with self._base_lock:
            if host not in self._bases:
                self._bases[host] = f"https://{host}" if self._speaks_tls(host) else f"http://{host}"
            return self._bases[host]

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Response:
        """Send a request and return the answer, whatever its status, after redirects of GET and HEAD.

        Args:
            method: HTTP method.
            url: Where to.
            headers: ``Authorization`` among them is not sent to other hosts that a redirect names.
            body: Bytes, or pieces of a body whose ``Content-Length`` is among the headers.

        Raises:
            RegistryFailure: The host is out of reach, or must not be spoken to in this way.
        """
        sent = {"User-Agent": self._options.user_agent, "Accept-Encoding": "identity", **(headers or {})}
        for _ in range(_MOST_REDIRECTS):
            response = self._send(method, url, sent, body)
            location = response.header("Location")
            if method not in {"GET", "HEAD"} or response.status not in _REDIRECTS or not location:
                return response
            response.close()
            target = urljoin(url, location)
            if origin(target) != origin(url):
                sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise RegistryFailure(f"{show(url)} redirects from https to {show(target)}")
            url = target
        raise RegistryFailure(f"{show(url)}: more than {_MOST_REDIRECTS} redirects")

    def close(self) -> None:
        """Close all connections."""
        for manager in self._pools.values():
            # Forgetting them only, as the library's own method does, leaves them open for an unknown time.
            for host in list(manager.pools.keys()):
                if (pool := manager.pools.get(host)) is not None:
                    pool.close()
            manager.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] | None
    ) -> Response:
        parts = _split(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self._may_be_plain(parts.netloc)):
            raise RegistryFailure(
                f"{show(url)} is not an https address", hint="Only registries on this machine may go without TLS."
            )
        with _mapped(url):
            answer = self._pool(parts).request(
                method, url, headers=dict(headers), body=body, redirect=False, retries=False, preload_content=False
            )
        return Response(answer, url)

    def _pool(self, parts: SplitResult, *, probe: bool = False) -> urllib3.PoolManager:
        port = parts.port or _PORTS[parts.scheme]
        proxy = proxy_for(parts.scheme, parts.hostname or "", port, self._options.proxies)
        with self._pool_lock:
            kind = "probe" if probe else parts.scheme
            if (kind, proxy) not in self._pools:
                self._pools[kind, proxy] = self._new_pool(kind, proxy)
            return self._pools[kind, proxy]

    def _new_pool(self, kind: str, proxy: str | None) -> urllib3.PoolManager:
        options = self._options
        # A probe trusts nobody, as it only wants to know whether there is a certificate at all.
        context = _trust(options.ca_file) if kind == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        timeout = urllib3.Timeout(connect=options.connect_timeout, read=options.read_timeout)
        if proxy is None:
            return urllib3.PoolManager(ssl_context=context, timeout=timeout, maxsize=8, blocksize=CHUNK)
        parts = urlsplit(proxy)
        if parts.scheme not in _PORTS:
            raise RegistryFailure(f"proxies of the kind {parts.scheme!r} are not supported")
        login = f"{parts.username}:{parts.password or ''}" if parts.username else None
        return urllib3.ProxyManager(
            urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", "")),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
            proxy_ssl_context=_trust(options.ca_file) if parts.scheme == "https" else None,
            ssl_context=context,
            timeout=timeout,
            maxsize=8,
            blocksize=CHUNK,
        )

    def _may_be_plain(self, host: str) -> bool:
        return host in self._options.plain_http or is_loopback(_split(f"//{host}").hostname or "")

    def _speaks_tls(self, host: str) -> bool:
        url = f"https://{host}/v2/"
        try:
            pool = self._pool(_split(url), probe=True)
            pool.request("GET", url, redirect=False, retries=False, preload_content=False).close()
        except http.SSLError as error:
            # A certificate that is not trusted is one: the first real request says so.
            return isinstance(error.args[-1], ssl.SSLCertVerificationError)
        except http.ProtocolError:
            return False
        except http.HTTPError as error:
            raise _failure(error, url) from error
        return True


@functools.lru_cache(maxsize=8)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Return what certificates are trusted; reading the system's takes a tenth of a second."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port (RFC 6454, section 4)."""
    parts = _split(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def show(url: str) -> str:
    """Return an address as a message may show it: without query, fragment and login."""
    parts = _split(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise RegistryFailure("a registry names an address that is none") from error
    return parts


@contextmanager
def _mapped(url: str) -> Iterator[None]:
    """Turn the errors of the HTTP library into ours, here and nowhere else."""
    try:
        yield
    except http.HTTPError as error:
        raise _failure(error, url) from error


def _failure(error: http.HTTPError, url: str) -> RegistryFailure:
    host = _split(url).netloc.rpartition("@")[2]
    if isinstance(error, http.SSLError):
        return RegistryFailure(
            f"cannot speak TLS with {host}: {_reason(error)}",
            hint="If your network puts its own certificate there, give that as the CA certificate.",
            reference=host,
        )
    if isinstance(error, http.ProxyError):
        return RegistryFailure(f"the proxy on the way to {host} does not answer", reference=host, retryable=True)
    if isinstance(error, http.LocationParseError | http.InvalidHeader):
        return RegistryFailure(f"cannot ask {host}: its address or its answer makes no sense", reference=host)
    return RegistryFailure(f"cannot reach {host}: {_reason(error)}", reference=host, retryable=True)


def _reason(error: http.HTTPError) -> str:
    """Say what happened without the text of libraries, which may hold addresses with their queries."""
    if isinstance(error, http.NameResolutionError):
        return "no host has that name"
    inner: BaseException | None = error.args[-1] if error.args and isinstance(error.args[-1], OSError) else None
    inner = inner or error.__cause__ or error.__context__
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({inner.verify_message})"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.lower()
    if isinstance(error, http.TimeoutError):
        return "no answer in time"
    return "the connection broke"
