"""Command lines of buildah and podman, as pure functions of what is asked and of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import BackendError, UnsupportedPlan
from cog_core.gpus import Gpus
from cog_oci.errors import OciError
from cog_oci.frozen import Frozen
from cog_oci.proxies import is_loopback
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cog_backends.podman.tools import Tools
    from cog_core.backend import Bind, RunRequest
    from cog_core.caches import Cache

LABEL: Final = "org.cogmodel.started-by"
_SHM_SIZE: Final = "6g"
"""Shared memory of a container, as upstream gives (reference, section 3.1); PyTorch's loaders need it."""
# fmt: off
_PODMANS: Final = (
    "BUILDAH", "CONTAINER", "DBUS_", "GO", "HOME", "HTTP", "LD_", "LISTEN_", "NETAVARK", "NOTIFY_",
    "NO_", "PATH", "PODMAN", "REGISTRY_", "SSL_", "STORAGE_", "TMPDIR", "USER", "XDG_", "_CONTAINERS",
    "http", "no_",
)
# fmt: on
"""How variables begin that mean something to podman itself, or to the libraries that it is made of."""


@attrs.frozen(kw_only=True)
class BuildOptions(Frozen):
    """Everything that goes on the command line of one build.

    Attributes:
        dockerfile: The plan as text.
        ignore_file: What is left out of the context.
        context: The author's project, or the folder with all contexts.
        base: Reference of the base image.
        created: Time of the image and of every file in its layers, in seconds since 1970.
        platform: None for the machine's own.
        contexts: Folders by name.
        secrets: Files by secret id.
        ssh: Sockets of SSH agents by id.
        arguments: Values of build arguments, by name.
        cache_from: Repositories with layers of earlier builds.
        cache_to: Repositories for the layers of this one.
    """

    dockerfile: Path
    ignore_file: Path
    context: Path
    base: str
    created: int
    platform: str | None = None
    tags: tuple[str, ...] = ()
    contexts: Mapping[str, Path] = attrs.field(factory=dict)
    secrets: Mapping[str, Path] = attrs.field(factory=dict)
    ssh: Mapping[str, Path] = attrs.field(factory=dict)
    arguments: tuple[tuple[str, str], ...] = ()
    no_cache: bool = False
    pull: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


def build_argv(tools: Tools, options: BuildOptions) -> tuple[str, ...]:
    """Return the command line of a build.

    Its last line of output is the image's id, and the ids of the steps stand between: with a file for the id,
    buildah would print neither.
    """
    pull = "always" if options.pull else "missing"
    argv = [*tools.builder, "--layers", "--force-rm", f"--pull={pull}", "--format", "oci", "--identity-label=false"]
    argv += ["--timestamp", str(options.created)]
    argv += ["--platform", options.platform] if options.platform else []
    argv += ["--file", str(options.dockerfile), "--ignorefile", str(options.ignore_file)]
    argv += [word for tag in options.tags for word in ("--tag", tag)]
    argv += [word for name, path in options.contexts.items() for word in ("--build-context", f"{name}={path}")]
    argv += [word for name, path in options.secrets.items() for word in ("--secret", f"id={name},src={path}")]
    argv += [word for name, path in options.ssh.items() for word in ("--ssh", f"{name}={path}")]
    argv += [word for name, value in options.arguments for word in ("--build-arg", f"{name}={value}")]
    argv += [word for name in options.cache_from for word in ("--cache-from", name)]
    argv += [word for name in options.cache_to for word in ("--cache-to", name)]
    argv += ["--no-cache"] if options.no_cache else []
    argv += ["--security-opt", "label=disable"] if tools.selinux else []
    return (*argv, *plain_http(options.base, *options.cache_from, *options.cache_to), str(options.context))


def repositories(caches: Iterable[Cache]) -> tuple[str, ...]:
    """Return the repositories of caches; buildah chooses the tags itself.

    Raises:
        UnsupportedPlan: One is in no registry.
    """
    found = []
    for cache in caches:
        if cache.reference is None:
            raise UnsupportedPlan(
                f"podman shares caches by registries, not by type={cache.kind}", hint="Name a registry's repository."
            )
        reference = Reference.parse(cache.reference)
        found.append(f"{reference.registry}/{reference.repository}")
    return tuple(found)


def create_argv(
    tools: Tools,
    request: RunRequest,
    *,
    name: str,
    environment: Iterable[str],
    devices: Iterable[str],
    terminal: bool,
) -> tuple[str, ...]:
    """Return the command line that makes a container without starting it.

    Args:
        tools: What was found.
        request: What is to run.
        name: Of the container.
        environment: ``NAME`` for what podman takes from its own environment, else ``NAME=value``.
        devices: Devices by the names of the container device interface (CDI).
        terminal: The container gets a terminal.
    """
    argv = [tools.podman, "create", "--name", name, "--pull", "never", "--label", f"{LABEL}=cog"]
    argv += ["--shm-size", _SHM_SIZE]
    argv += [word for pair in environment for word in ("--env", pair)]
    argv += [word for bind in request.binds for word in _bind(bind)]
    argv += [word for host, port in request.ports for word in ("--publish", f"{_address(host)}:{port}")]
    argv += [word for device in devices for word in ("--device", device)]
    argv += ["--security-opt", "label=disable"] if tools.selinux and request.binds else []
    argv += ["--interactive"] if request.interactive else []
    argv += ["--init"] if request.interactive and tools.init else []
    argv += ["--tty"] if terminal else []
    return (*argv, request.reference, *(request.command or ()))


def environment_words(
    wanted: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return words for ``--env``, and the environment that podman needs for them.

    A value goes through podman's own environment, where no list of processes shows it, unless the variable means
    something to podman itself.
    """
    hidden = {name: value for name, value in wanted.items() if name not in environ and not name.startswith(_PODMANS)}
    words = tuple(name if name in hidden else f"{name}={value}" for name, value in wanted.items())
    return words, {**environ, **hidden}


def gpu_devices(asked: str | None, *, available: bool) -> tuple[str, ...]:
    """Return CDI names for what ``docker run --gpus`` would take.

    Raises:
        BackendError: GPUs are asked for, and podman knows of none.
    """
    gpus = Gpus.parse(asked) if asked else None
    if gpus is None or (gpus.if_any and not available):
        return ()
    if not available:
        raise BackendError(
            "podman knows of no GPU: there is no CDI description of nvidia.com/gpu",
            hint="Make one with `sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`.",
        )
    chosen = gpus.devices or (("all",) if gpus.count is None else map(str, range(gpus.count)))
    return tuple(f"nvidia.com/gpu={device}" for device in chosen)


def plain_http(*references: str) -> tuple[str, ...]:
    """Return what lets podman talk to a registry on this machine, which rarely has a certificate."""
    return ("--tls-verify=false",) if any(map(_is_here, references)) else ()


def _is_here(reference: str) -> bool:
    try:
        host = Reference.parse(reference).registry.rpartition(":")
    except OciError:
        return False
    return is_loopback((host[0] or host[2]).strip("[]"))


def _bind(bind: Bind) -> tuple[str, str]:
    """Return a volume, or a mount where the path has the colon that separates a volume's parts."""
    if ":" in str(bind.source):
        mode = ",ro" if bind.read_only else ""
        return "--mount", f"type=bind,source={bind.source},destination={bind.target}{mode}"
    return "--volume", f"{bind.source}:{bind.target}:{'ro' if bind.read_only else 'rw'}"


def _address(host: str) -> str:
    """Return the host's part of a published port; an empty port lets the machine choose."""
    address, _, port = host.rpartition(":")
    return f"{address}:{'' if port == '0' else port}"
