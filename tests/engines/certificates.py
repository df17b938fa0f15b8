"""Certificates for daemons that want TLS from both sides, made by OpenSSL for one machine and a short time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.machine import Machine

_DAYS: Final = "30"
_NAMES: Final = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def make(machine: Machine, folder: Path, *, client: str = "/CN=cog clientAuth") -> Path:
    """Make a certificate authority, a server's pair and a client's pair, and return the folder.

    The client's files are named as Docker and BuildKit look for them: ``ca.pem``, ``cert.pem``, ``key.pem``; the
    server's are ``server-cert.pem`` and ``server-key.pem``.

    Args:
        machine: Where OpenSSL is.
        folder: Where they go.
        client: Whom the client's certificate names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subject = ("-subj", "/CN=cog tests")
    fresh = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", _DAYS)
    authority = (*fresh, *subject, "-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem")
    machine.run(authority)
    for prefix, usage, whom in (("server-", "serverAuth", "/CN=cog serverAuth"), ("", "clientAuth", client)):
        signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem")
        files = ("-keyout", folder / f"{prefix}key.pem", "-out", folder / f"{prefix}cert.pem")
        names = ("-addext", _NAMES, "-addext", f"extendedKeyUsage={usage}", "-addext", "basicConstraints=CA:FALSE")
        machine.run((*fresh, "-subj", whom, *signed, *files, *names))
    return folder
