"""What to do about the commonest complaints of engines, by what they say."""

from __future__ import annotations

import os
from typing import Final

FOREIGN_PROGRAMS: Final = (
    "Programs of that platform do not run on the engine's machine: register emulators there (binfmt_misc), or build "
    "on a machine of that platform."
)
_PLATFORM: Final = "The image is not made for this platform: name another --base-image, or another --platform."
_PROXY: Final = (
    "The engine's proxy does not let it through: correct the proxy in the settings of the engine's service."
)
_CERTIFICATE: Final = (
    "The registry's certificate is not trusted: give its authority to the engine (Docker: "
    "/etc/docker/certs.d/HOST/ca.crt, podman: /etc/containers/certs.d/HOST/ca.crt)."
)
NETWORK: Final = (
    "The engine does not reach the registry: check the registry's name, and the network and proxy of the engine's "
    "machine; or name a base that it has (--base-image), or use --backend oci."
)
_LOGIN: Final = "Log in with `cog login`; check the image's name, and what you may do there."
_NAME: Final = "Check the image's name and tag: the registry has none of that name."

_ADVICE: Final = (
    ("no match for platform", _PLATFORM),
    ("no matching manifest", _PLATFORM),
    ("does not match the specified platform", _PLATFORM),
    ("no image found in", _PLATFORM),
    ("proxyconnect", _PROXY),
    ("proxy error", _PROXY),
    ("proxy authentication", _PROXY),
    ("x509", _CERTIFICATE),
    ("tls: ", _CERTIFICATE),
    ("no such host", NETWORK),
    ("name resolution", NETWORK),
    ("i/o timeout", NETWORK),
    ("network is unreachable", NETWORK),
    ("connection refused", NETWORK),
    ("handshake timeout", NETWORK),
    ("unauthorized", _LOGIN),
    ("authentication required", _LOGIN),
    ("denied", _LOGIN),
    ("no basic auth", _LOGIN),
    ("manifest unknown", _NAME),
    ("name unknown", _NAME),
    ("not found", _NAME),
)


def registry_advice(reason: str) -> str | None:
    """Return what to do when an engine cannot fetch or send an image; None: nothing is known about the reason."""
    reason = reason.lower()
    return next((hint for sign, hint in _ADVICE if sign in reason), None)


def sudo() -> str:
    """Return what a command begins with that needs root; root itself often has no ``sudo``."""
    return "" if os.geteuid() == 0 else "sudo "


def way(fix: str) -> str:
    """Return the start of a sentence about what would make a backend usable: a command, or an address to read at."""
    return f"See {fix}" if fix.startswith("https://") else f"Try `{fix}`"
