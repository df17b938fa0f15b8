"""Running images without an engine: their layers laid over each other, entered with an unprivileged sandbox."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cog_backends.oci.sandbox.container import SandboxRequest, start, unavailable
from cog_core.backend import Bind
from cog_core.errors import BackendUnavailable
from cog_oci import image_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_backends.oci.store import Store
    from cog_core.backend import Container, RunRequest
    from cog_oci.layout import Image

_HOST_FILES: Final = ("/etc/resolv.conf", "/etc/hosts")
"""What a process needs to use the host's network, which a sandbox shares."""
_GPU_DEVICES: Final = "nvidia*"


def run_image(image: Image, request: RunRequest, store: Store, on_line: Callable[[str, str], None]) -> Container:
    """Start a container from an image of the store.

    The network is the host's: a server gets a free port by ``PORT`` and listens on the address that was asked for.

    Raises:
        BackendError: It cannot be started.
    """
    if why := why_not(store):
        raise BackendUnavailable(
            f"images cannot be run here without an engine: {why}", hint="Use --backend docker or podman."
        )
    config = image_config.run_config(image.config)
    environment = {"HOME": "/root", **image_config.environment(image.config), **request.environment}
    argv = _command(config, request)
    addresses = tuple(_free_address(host) for host, _ in request.ports)
    if request.serves and addresses:
        host, port = addresses[0]
        environment["PORT"] = str(port)
        argv = (*argv, "--host", host)
    binds = tuple(Bind(source=Path(name), target=name, read_only=True) for name in _HOST_FILES if Path(name).exists())
    scratch = store.root / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    folders = store.lower_folders(image)
    return start(
        SandboxRequest(
            store=folders[0].parent,
            layers=tuple(folder.name for folder in folders),
            scratch=scratch,
            argv=argv,
            environment=environment,
            workdir=str(config.get("WorkingDir") or "/"),
            binds=(*binds, *request.binds),
            devices=_gpus() if request.gpus else (),
            interactive=request.interactive,
            addresses=addresses,
        ),
        on_line,
    )


def why_not(store: Store) -> str | None:
    """Return why no sandbox can be made here, or None when it can."""
    scratch = store.root / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return unavailable(scratch)


def _command(config: dict[str, Any], request: RunRequest) -> tuple[str, ...]:
    entrypoint = tuple(config.get("Entrypoint") or ())
    return (*entrypoint, *(request.command or tuple(config.get("Cmd") or ())))


def _free_address(wanted: str) -> tuple[str, int]:
    """Return an address with a port; one that the machine chose is free at this moment."""
    host, _, port = wanted.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if int(port):
        return host, int(port)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return host, int(probe.getsockname()[1])


def _gpus() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in Path("/dev").glob(_GPU_DEVICES) if not path.is_dir()))
