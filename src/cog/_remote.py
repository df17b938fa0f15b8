"""Downloads on behalf of strangers: what an input's URL may reach, how much may come, and for how long.

Addresses are checked where the connection is made, after the name was resolved and again after each redirect, so that
neither a name server nor a redirect leads to what only this machine can reach.
"""

from __future__ import annotations

import io
import os
import socket
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, BinaryIO, Mapping, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

SILENCE = 10.0
"""Seconds without a byte before a download is given up; upstream's value."""

_SIZE = 10 << 30
_SECONDS = 600.0
_NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses that stand for those of IPv4 (RFC 6052)."""
_CLOSED = (IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"))
"""Private networks that some Pythons call global: site-local addresses, and those of local NAT64 (RFC 8215)."""


class Refused(OSError):
    """A URL leads to where inputs may not come from, or to more than may come."""


class Rules(NamedTuple):
    """What downloads may do.

    Attributes:
        everything: Any address may be reached.
        networks: Networks that may be reached although they are not public.
        names: Host names, in lower case, that may lead anywhere.
        size: Bytes of one file.
        seconds: Time for one file.
    """

    everything: bool
    networks: tuple[Any, ...]
    names: frozenset[str]
    size: float
    seconds: float

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Rules:
        """Return what the environment says."""
        words = environ.get("COG_DOWNLOAD_ALLOW", "").replace(",", " ").lower().split()
        networks, names = [], []
        for word in words:
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                names.append(word)
        return cls(
            everything="*" in words,
            networks=tuple(networks),
            names=frozenset(names),
            size=_number(environ.get("COG_MAX_DOWNLOAD_BYTES"), _SIZE),
            seconds=_number(environ.get("COG_DOWNLOAD_TIMEOUT"), _SECONDS),
        )

    def allow(self, host: str, address: str) -> bool:
        """Return whether this host may be reached at this address."""
        if self.everything or host.lower() in self.names:
            return True
        found = _inner(ip_address(address.partition("%")[0]))
        if any(found in network for network in self.networks):
            return True
        return found.is_global and not found.is_multicast and not any(found in network for network in _CLOSED)


def open_remote(url: str, user_agent: str, rules: Rules | None = None) -> BinaryIO:
    """Open a URL of http or https for reading.

    Args:
        url: What to open.
        user_agent: What we call ourselves.
        rules: What is allowed; None for what the environment says.

    Raises:
        Refused: The rules do not allow it.
        OSError: The other side is out of reach, or refuses (``urllib.error.HTTPError``).
    """
    rules = Rules.read(os.environ) if rules is None else rules
    deadline = _Deadline(rules.seconds)
    try:
        answer = _opener(rules, deadline).open(_Request(url, headers={"User-Agent": user_agent}), timeout=SILENCE)
    except HTTPError:
        raise
    except URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason)) from error
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    return io.BufferedReader(_Body(answer, rules, deadline), 1 << 16)


class _Deadline:
    """When a download has to be over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that something may take now.

        Raises:
            Refused: There are none left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise Refused(f"it took longer than {self._seconds:g} s")
        return min(left, SILENCE)


class _Within(io.RawIOBase):
    """What comes from a socket in time: its own timeout is about each piece, and pieces may be small."""

    def __init__(self, sock: Any, deadline: _Deadline) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", 0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        try:
            found: int | None = self._file.readinto(buffer)
        except socket.timeout:
            self._deadline.left()
            raise
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


class _Body(io.RawIOBase):
    """The body of an answer: an error instead of an end when it is too long, too slow, or not all of it."""

    def __init__(self, answer: Any, rules: Rules, deadline: _Deadline) -> None:
        self._answer = answer
        self._rules = rules
        self._deadline = deadline
        self._wanted = answer.length
        self._got = 0
        if self._wanted is not None and self._wanted > rules.size:
            answer.close()
            raise Refused(f"{self._wanted} bytes are more than the {rules.size:g} that are allowed")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._answer.read1(len(buffer))
        except HTTPException as error:
            raise OSError(f"the download broke off: {type(error).__name__}") from error
        self._got += len(data)
        if self._got > self._rules.size:
            raise Refused(f"more than the {self._rules.size:g} bytes that are allowed")
        self._deadline.left()
        if not data and self._wanted is not None and self._got < self._wanted:
            raise OSError(f"the download broke off after {self._got} of {self._wanted} bytes")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._answer.close()
        super().close()


class _Request(Request):
    """A request that knows whether it goes to a proxy."""

    proxied = False

    def set_proxy(self, host: str, type: str) -> None:  # noqa: A002 - urllib's signature
        self.proxied = True
        super().set_proxy(host, type)


class _Redirects(HTTPRedirectHandler):
    """Follows redirects with requests of our own kind."""

    def redirect_request(self, req: Request, fp: Any, *rest: Any) -> Request | None:
        new = super().redirect_request(req, fp, *rest)
        if new is None:
            return None
        # The caller reads all of what came with the redirect before it goes on; nothing is left to read when closed.
        fp.close()
        return _Request(new.full_url, headers=dict(new.headers), unverifiable=True)


def _opener(rules: Rules, deadline: _Deadline) -> OpenerDirector:
    """Return what opens URLs of http and https, and no others: no files, no FTP."""
    opener = OpenerDirector()
    handlers = (
        ProxyHandler(),
        UnknownHandler(),
        _Http(rules, deadline),
        _Https(rules, deadline),
        HTTPDefaultErrorHandler(),
        _Redirects(),
        HTTPErrorProcessor(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _Http(HTTPHandler):
    def __init__(self, rules: Rules, deadline: _Deadline) -> None:
        super().__init__()
        self._rules = rules
        self._deadline = deadline

    def http_open(self, req: Request) -> Any:
        """Open a URL of http."""
        return self.do_open(_guarded(HTTPConnection, self._rules, self._deadline, req), req)


class _Https(HTTPSHandler):
    def __init__(self, rules: Rules, deadline: _Deadline) -> None:
        super().__init__()
        self._rules = rules
        self._deadline = deadline

    def https_open(self, req: Request) -> Any:
        """Open a URL of https."""
        return self.do_open(_guarded(HTTPSConnection, self._rules, self._deadline, req), req)


def _guarded(kind: Any, rules: Rules, deadline: _Deadline, request: Request) -> Any:
    """Return what makes a connection of this kind that goes only where the rules allow, and answers in time."""

    class Response(HTTPResponse):
        def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            usual, self.fp = self.fp, io.BufferedReader(_Within(sock, deadline))
            usual.close()

    def make(host: str, **named: Any) -> Any:
        connection = kind(host, **{**named, "timeout": deadline.left()})
        connection.response_class = Response
        if getattr(request, "proxied", False):
            _check_literal(rules, request.full_url)
        else:
            connection._create_connection = lambda address, *_: _connect(rules, deadline, address)  # noqa: SLF001 - the one place where http.client resolves and connects
        return connection

    return make


def _connect(rules: Rules, deadline: _Deadline, address: tuple[str, int]) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers."""
    host, port = address
    problem: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _name, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not rules.allow(host, str(where[0])):
            problem = _refusal(host, str(where[0]))
            continue
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left())
            sock.connect(where)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def _check_literal(rules: Rules, url: str) -> None:
    """A proxy resolves names itself; what is an address already, is checked here."""
    host = urlsplit(url).hostname or ""
    try:
        address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else str(ip_address(host))
    except ValueError:
        return
    if not rules.allow(host, address):
        raise _refusal(host, address)


def _refusal(host: str, address: str) -> Refused:
    shown = host if host == address else f"{host} ({address})"
    return Refused(f"{shown} is not a public address; COG_DOWNLOAD_ALLOW names others that may be reached")


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped or address.sixtofour:
            return address.ipv4_mapped or address.sixtofour or address
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        return default
