"""``COG_CA_CERT``: certificates of a company's own network, for the model and for the server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Mapping

_MARK = "-----BEGIN CERTIFICATE-----"
_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def variables_for(ca_cert: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Write the given certificates and the system's into one temporary file, and return how it is made known.

    Args:
        ca_cert: A file, a folder of files, PEM text, or base64 of PEM; None for nothing.
        environ: Variables that are set there already are left alone.

    Raises:
        ValueError: It is none of these.
    """
    wanted = [name for name in _VARIABLES if not environ.get(name)]
    if not ca_cert or not wanted:
        return {}
    given = _pem(ca_cert.strip())
    # Distributions keep the bundle in different places; the first one that exists is it.
    system = next((file for file in map(Path, _SYSTEM) if file.is_file()), None)
    descriptor, name = tempfile.mkstemp(prefix="cog-ca-", suffix=".pem")
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(f"{given}\n{system.read_text('utf-8', 'replace') if system else ''}")
    return dict.fromkeys(wanted, name)


def _pem(text: str) -> str:
    if _MARK in text:
        return text
    path = Path(text)
    if len(text) < 4096 and path.is_dir():
        return "\n".join(
            file.read_text("utf-8") for file in sorted(path.iterdir()) if file.suffix in {".pem", ".crt"}
        )
    if len(text) < 4096 and path.is_file():
        return path.read_text("utf-8")
    return _from_base64(text)


def _from_base64(text: str) -> str:
    import binascii  # noqa: PLC0415 - for this one form

    try:
        decoded = binascii.a2b_base64(text).decode("ascii")
    except ValueError:
        decoded = ""
    if _MARK not in decoded:
        raise ValueError("COG_CA_CERT is neither a file, nor PEM, nor base64 of PEM")
    return decoded
