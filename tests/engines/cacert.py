"""Finds out whether this network needs certificates that no image has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_LOCAL = Path("/usr/local/share/ca-certificates")


def ca_bundle(environ: Mapping[str, str]) -> Path | None:
    """Return the bundle that programs in containers need here to trust the network; None: nothing special is needed.

    A machine needs one when a variable points its own programs at a bundle, or when somebody added certificates to
    Debian's (update-ca-certificates(8)).
    """
    named = (Path(environ[name]) for name in _VARIABLES if environ.get(name))
    if found := next((path for path in named if path.is_file()), None):
        return found
    added = _LOCAL.is_dir() and any(_LOCAL.glob("*.crt"))
    return _BUNDLE if added and _BUNDLE.is_file() else None
