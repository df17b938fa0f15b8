"""Registries, reached as the user's settings say: with their logins, proxies and certificates."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cog_core.certificates import company_file
from cog_core.errors import CogError
from cog_core.events import StepProgress
from cog_core.layouts import image_info
from cog_core.process import Command
from cog_core.telling import told
from cog_core.values import Platform
from cog_oci.client import Client
from cog_oci.credentials import Login, find_login
from cog_oci.digest import parse as parse_digest
from cog_oci.manifest import Manifest
from cog_oci.platform import Platform as OciPlatform
from cog_oci.pull import choose, pull
from cog_oci.push import push
from cog_oci.reference import Reference
from cog_oci.transport import Transport, TransportOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.backend import ImageInfo
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.compress import CompressedLayers
    from cog_oci.layout import Image, Layout

_HELPER_TIMEOUT = 30.0


@contextmanager
def registry_client(settings: Settings, run: Runner) -> Iterator[Client]:
    """Yield a client that knows the logins that docker and podman know; its connections are closed in the end."""
    files = tuple(credential_files(settings))

    def credentials(registry: str, repository: str) -> Login | None:
        return find_login(
            registry, repository, files=files, helper=lambda name, host: _ask_helper(name, host, settings, run)
        )

    options = TransportOptions(ca_file=company_file(settings), proxies=settings.proxies)
    with Transport(options) as transport:
        yield Client(transport, credentials)


def credential_files(settings: Settings) -> Iterator[Path]:
    """Yield the files that may hold logins: ``cog login`` and docker write the first, podman the others."""
    environ = settings.environ
    yield Path(environ.get("DOCKER_CONFIG") or settings.home / ".docker") / "config.json"
    if chosen := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environ.get("XDG_CONFIG_HOME") or settings.home / ".config") / "containers" / "auth.json"


def _ask_helper(name: str, registry: str, settings: Settings, run: Runner) -> tuple[str, str] | None:
    """Ask a credential helper (github.com/docker/docker-credential-helpers, "get"); one that fails knows nothing."""
    command = Command(
        argv=(f"docker-credential-{name}", "get"),
        stdin=registry.encode(),
        env=settings.environ,
        timeout=_HELPER_TIMEOUT,
    )
    try:
        done = run(command)
        answer = json.loads(done.stdout) if done.code == 0 else {}
    except (CogError, ValueError):
        return None
    user, secret = answer.get("Username"), answer.get("Secret")
    return (user, secret) if isinstance(user, str) and isinstance(secret, str) else None


def pull_image(reference: str, layout: Layout, *, settings: Settings, run: Runner, emit: Emit) -> None:
    """Fetch an image for this machine's platform into a layout.

    Raises:
        OciError: It cannot be had.
    """
    platform = Platform.of_this_machine()
    with _told("pull", reference, emit) as progress, registry_client(settings, run) as client:
        pull(
            client,
            Reference.parse(reference),
            layout,
            platform=OciPlatform(platform.os, platform.architecture, platform.variant),
            progress=progress,
        )


def inspect_pushed(reference: str, digest: str, layout: Layout, *, settings: Settings, run: Runner) -> ImageInfo:
    """Return what an image in a registry says about itself; of it, only the manifest and the configuration are read.

    Args:
        reference: Its name.
        digest: Of its manifest.
        layout: Where these two are kept.
        settings: Say how registries are reached.
        run: Starts credential helpers.

    Raises:
        OciError: The registry is out of reach, or does not have it.
    """
    with registry_client(settings, run) as client:
        fetched = choose(client, Reference.parse(reference).with_digest(parse_digest(digest)))
        assert isinstance(fetched.value, Manifest)
        config = fetched.value.config
        with closing(client.open_blob(Reference.parse(reference), config)) as blob:
            layout.blobs.put_stream(blob, config.media_type, expected=config)
    return image_info(layout.image(layout.blobs.put_bytes(fetched.data, fetched.descriptor.media_type)), [reference])


def push_image(
    image: Image,
    layout: Layout,
    target: str,
    *,
    compressed: CompressedLayers,
    settings: Settings,
    run: Runner,
    emit: Emit,
) -> str:
    """Push an image of a layout, compressed, and return the digest of its manifest in the registry.

    Raises:
        OciError: The registry refused, or is out of reach.
    """
    with _told("push", target, emit) as progress, registry_client(settings, run) as client:
        sent = push(client, layout, image, Reference.parse(target), compressed=compressed, progress=progress)
    return str(sent.digest)


@contextmanager
def _told(verb: str, what: str, emit: Emit) -> Iterator[Callable[[int, int], None]]:
    """Tell of a transfer, and yield what is to be called with the bytes that are done and the bytes of all."""
    with told(emit, f"{verb} {what}", step=verb):
        yield lambda done, total: emit(StepProgress(id=verb, what=what, done=done, total=total))
