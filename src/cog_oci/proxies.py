"""Which proxy leads to a host, by the usual variables (curl(1), "ENVIRONMENT")."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_for(scheme: str, host: str, port: int, proxies: Mapping[str, str]) -> str | None:
    """Return the proxy's address, or None to connect directly.

    Args:
        scheme: ``http`` or ``https``.
        host: Name or address, without brackets.
        port: The port, which exceptions may name.
        proxies: ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, by lower-case name.
    """
    proxy = proxies.get(f"{scheme}_proxy") or proxies.get("all_proxy")
    if not proxy or is_loopback(host):
        return None
    exceptions = [item.strip().lower() for item in proxies.get("no_proxy", "").split(",")]
    if any(item and _is_exception(item, host.lower(), port) for item in exceptions):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine (RFC 6761, section 6.3; RFC 6890, sections 2.2.2 and 2.2.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_exception(item: str, host: str, port: int) -> bool:
    if item == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(item, strict=False)
    except ValueError:
        pass
    name, colon, number = item.rpartition(":")
    if colon and number.isdecimal() and "]" not in number:
        if int(number) != port:
            return False
        item = name
    item = item.strip("[]").removeprefix("*").lstrip(".")
    return host == item or host.endswith(f".{item}")
