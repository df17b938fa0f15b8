"""Where the BuildKit server is: the one that the user names, else one on a usual socket of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.buildkit.fixes import HOST, TLS_FOLDER, NotUsable, share, start
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.settings import Settings

TLS_SERVER_NAME: Final = "COG_BUILDKIT_TLS_SERVER_NAME"
IMPORT_CACHE: Final = "COG_BUILDKIT_CACHE_FROM"
EXPORT_CACHE: Final = "COG_BUILDKIT_CACHE_TO"
ATTESTATIONS: Final = "COG_BUILDKIT_ATTEST"
"""Such as ``provenance=mode=max`` (moby/buildkit, docs/attestations); only what a server pushes can have some."""

_ROOTFUL: Final = Path("/run/buildkit/buildkitd.sock")
_ROOTLESS: Final = "buildkit/buildkitd.sock"
"""Usual sockets (moby/buildkit, README, "Starting the buildkitd daemon", and docs/rootless.md)."""


@attrs.frozen
class Server(Frozen):
    """How ``buildctl`` reaches a server.

    Attributes:
        address: Such as ``unix:///run/buildkit/buildkitd.sock``, ``tcp://builder:1234`` or ``kube-pod://buildkitd``.
        tls_folder: Folder with ``ca.pem``, ``cert.pem`` and ``key.pem``, for mutual TLS.
        tls_server_name: Name in the server's certificate when it is not the address's.
    """

    address: str
    tls_folder: str | None = None
    tls_server_name: str | None = None

    def argv(self, *words: str) -> tuple[str, ...]:
        """Return a command line for this server."""
        options = ["--addr", self.address]
        options += ["--tlsdir", self.tls_folder] if self.tls_folder else []
        options += ["--tlsservername", self.tls_server_name] if self.tls_server_name else []
        return ("buildctl", *options, *words)


def find_server(settings: Settings, *, rootful: Path = _ROOTFUL) -> Server:
    """Return the server that the settings lead to; whether it answers is another question.

    Args:
        settings: ``BUILDKIT_HOST`` and the variables for TLS.
        rootful: Socket of a server that runs as root.

    Raises:
        NotUsable: Nothing names one, and there is no usual socket.
    """
    environ = settings.environ
    if address := environ.get(HOST):
        return Server(
            address,
            tls_folder=environ.get(TLS_FOLDER) or None,
            tls_server_name=environ.get(TLS_SERVER_NAME) or None,
        )
    sockets = _usual_sockets(environ, rootful)
    for socket in sockets:
        if os.access(socket, os.R_OK | os.W_OK):
            return Server(f"unix://{socket}")
    closed = [str(socket) for socket in sockets if socket.exists()]
    if closed:
        raise NotUsable(f"{closed[0]} may not be opened by this user", fix=share(closed[0]))
    raise NotUsable(f"{HOST} is not set, and there is no socket {' or '.join(map(str, sockets))}", fix=start(environ))


def _usual_sockets(environ: Mapping[str, str], rootful: Path) -> tuple[Path, ...]:
    runtime = environ.get("XDG_RUNTIME_DIR")
    return (rootful, Path(runtime) / _ROOTLESS) if runtime else (rootful,)
