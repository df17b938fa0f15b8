"""Registers the backend ``podman``; imports nothing that is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_core.backend import BackendInfo
from cog_core.ir import Capability
from cog_core.ir.capabilities import OF_DOCKERFILES
from cog_core.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.backend import Backend
    from cog_core.settings import Settings

CAPABILITIES = OF_DOCKERFILES | {Capability.REPRODUCIBLE, Capability.RUN_IMAGES, Capability.OTHER_PLATFORMS}


def _load(settings: Settings) -> Backend:
    from cog_backends.podman.backend import PodmanBackend  # noqa: PLC0415 - only builds and containers need it

    return PodmanBackend(settings)


@hookimpl
def cog_backends() -> Iterator[BackendInfo]:
    """Register the backend."""
    yield BackendInfo(
        name="podman", summary="podman and buildah, without a daemon", capabilities=CAPABILITIES, load=_load
    )
