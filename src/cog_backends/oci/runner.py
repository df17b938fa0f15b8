"""Running images without an engine: their layers laid over each other, entered with an unprivileged sandbox."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.oci.gpus import gpu_nodes
from cog_core.backend import Bind
from cog_core.errors import BackendError, BackendUnavailable
from cog_oci import image_config
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_backends.oci.store import Store
    from cog_core.backend import Container, RunRequest
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.layout import Image

_HOST_FILES: Final = ("/etc/resolv.conf", "/etc/hosts")
"""What a process needs to use the host's network, which a sandbox shares."""
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the kernel (random(4))."""


@attrs.frozen(kw_only=True)
class ImageRunner(Frozen):
    """Starts containers from the images of a store.

    Attributes:
        run: Starts programs.
    """

    store: Store
    settings: Settings
    run: Runner

    @property
    def manner(self) -> str:
        """How images are run here, as the end of a sentence."""
        why = self._no_sandbox(remembered=True)
        return "runs images in a sandbox" if why is None else f"runs images as plain processes, because {why}"

    def start(self, image: Image, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container.

        The network is the host's: a server gets a free port by ``PORT`` and listens where it was asked to.

        Raises:
            BackendError: It cannot be started.
        """
        addresses = tuple(_free_address(host) for host, _ in request.ports)
        if request.serves and addresses:
            host, port = addresses[0]
            command = request.command or tuple(image_config.run_config(image.config).get("Cmd") or ())
            environment = {**request.environment, "PORT": str(port)}
            request = attrs.evolve(request, command=(*command, "--host", host), environment=environment)
        if self._no_sandbox() is not None:
            from cog_backends.oci.host_process import HostProcesses  # noqa: PLC0415 - builds run nothing

            processes = HostProcesses(store=self.store, settings=self.settings, run=self.run)
            return processes.start(image, request, addresses, on_line)
        return self._enter(image, request, addresses, on_line)

    def _no_sandbox(self, *, remembered: bool = False) -> str | None:
        if self.settings.isolation == "process":
            return "COG_ISOLATION says so"
        why = None if remembered and _worked(self.store) else why_not(self.store)
        if why and self.settings.isolation == "sandbox":
            raise BackendUnavailable(why, hint="Unset COG_ISOLATION, or use --backend docker.")
        return why

    def _enter(
        self,
        image: Image,
        request: RunRequest,
        addresses: tuple[tuple[str, int], ...],
        on_line: Callable[[str, str], None],
    ) -> Container:
        from cog_backends.oci.sandbox.container import SandboxRequest, start  # noqa: PLC0415 - builds run nothing

        config = image_config.run_config(image.config)
        own = (Bind(source=Path(name), target=name, read_only=True) for name in _HOST_FILES if Path(name).exists())
        folders = self.store.lower_folders(image)
        return start(
            SandboxRequest(
                store=folders[0].parent,
                layers=tuple(folder.name for folder in folders),
                scratch=_scratch(self.store),
                argv=_command(config, request),
                environment={"HOME": "/root", **image_config.environment(image.config), **request.environment},
                workdir=str(config.get("WorkingDir") or "/"),
                binds=(*own, *request.binds),
                devices=gpu_nodes(request.gpus) if request.gpus else (),
                interactive=request.interactive,
                addresses=addresses,
            ),
            on_line,
        )


def why_not(store: Store) -> str | None:
    """Return why no sandbox can be made here, or None when it can; that it can is remembered."""
    from cog_backends.oci.sandbox.container import unavailable  # noqa: PLC0415 - mostly known from the last time

    why = unavailable(_scratch(store))
    if why is None:
        with contextlib.suppress(OSError):
            _mark(store).write_text(_circumstances(), "utf-8")
    return why


def _worked(store: Store) -> bool:
    """Say whether a sandbox could be made under these circumstances, without the time that making one takes."""
    try:
        return os.access(_scratch(store), os.W_OK) and _mark(store).read_text("utf-8") == _circumstances()
    except FileNotFoundError:
        return False


def _mark(store: Store) -> Path:
    return store.root / "sandbox-works"


def _circumstances() -> str:
    """Return what decides about sandboxes: the kernel since its start, the user, the container around us."""
    spaces = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("user", "mnt", "pid")]
    return " ".join((_BOOT.read_text("ascii").strip(), str(os.getuid()), *spaces))


def _scratch(store: Store) -> Path:
    folder = store.root / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _command(config: dict[str, Any], request: RunRequest) -> tuple[str, ...]:
    entrypoint = tuple(config.get("Entrypoint") or ())
    return (*entrypoint, *(request.command or tuple(config.get("Cmd") or ())))


def _free_address(wanted: str) -> tuple[str, int]:
    """Return an address with a port; one that the machine chose is free at this moment."""
    import socket  # noqa: PLC0415 - builds run nothing

    host, _, port = wanted.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise BackendError(
                f"cannot listen on {wanted}: {error.strerror}",
                hint="Stop what listens there, or choose another port with -p.",
            ) from error
        return host, int(probe.getsockname()[1])
