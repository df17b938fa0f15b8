"""Where the user's Docker engine is, read as Docker's own command line reads it.

The files are those of the command line (docs.docker.com, "Docker contexts"): ``config.json`` names the context in
use, and each context but ``default`` has a ``meta.json`` in a folder that is called after the SHA-256 of its name.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.errors import BackendUnavailable
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.settings import Settings

DEFAULT: Final = "default"
USUAL_SOCKET: Final = "/var/run/docker.sock"
_SCHEME: Final = "unix://"


@attrs.frozen
class Endpoint(Frozen):
    """Where an engine is.

    Attributes:
        host: As ``DOCKER_HOST`` takes it.
        certificates: Folder with ``ca.pem``, ``cert.pem`` and ``key.pem``; None: no TLS.
        verify: The engine has to show a certificate of that authority.
    """

    host: str
    certificates: Path | None = None
    verify: bool = True


def endpoint(settings: Settings) -> Endpoint:
    """Return where the engine is that the user's environment means.

    Raises:
        BackendUnavailable: It is a context that does not exist; no other engine is taken instead.
    """
    environ, home = settings.environ, _folder(settings)
    if host := environ.get("DOCKER_HOST"):
        folder, verify = environ.get("DOCKER_CERT_PATH"), bool(environ.get("DOCKER_TLS_VERIFY"))
        return Endpoint(host, (Path(folder) if folder else home) if folder or verify else None, verify)
    if (name := context_name(settings)) == DEFAULT:
        return Endpoint(f"{_SCHEME}{USUAL_SOCKET}")
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / "contexts" / "meta" / digest / "meta.json"
    host = _read(meta, "Endpoints", "docker", "Host")
    if not host:
        raise BackendUnavailable(f"there is no Docker context {name!r}", hint="`docker context ls` lists them.")
    certificates = home / "contexts" / "tls" / digest / "docker"
    return Endpoint(host, certificates if certificates.is_dir() else None, verify=not _skips_verification(meta))


def _skips_verification(meta: Path) -> bool:
    return bool(json.loads(meta.read_text("utf-8"))["Endpoints"]["docker"].get("SkipTLSVerify"))


def context_name(settings: Settings) -> str:
    """Return the name of the Docker context in use; ``default`` when ``DOCKER_HOST`` overrides contexts."""
    if settings.environ.get("DOCKER_HOST"):
        return DEFAULT
    return (
        settings.environ.get("DOCKER_CONTEXT")
        or _read(_folder(settings) / "config.json", "currentContext")
        or DEFAULT
    )


def socket_of(settings: Settings) -> str | None:
    """Return the path of the engine's Unix socket; None: it is reached in another way.

    Raises:
        BackendUnavailable: The context does not exist.
    """
    host = endpoint(settings).host
    return host.removeprefix(_SCHEME) if host.startswith(f"{_SCHEME}/") else None


def _folder(settings: Settings) -> Path:
    return Path(settings.environ.get("DOCKER_CONFIG") or settings.home / ".docker")


def _read(path: Path, *keys: str) -> str:
    """Return a text in a JSON file; an empty one when there is none."""
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        for key in keys:
            found = found[key]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
