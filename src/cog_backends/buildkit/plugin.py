"""Registers the backend ``buildkit``; imports nothing that is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_core.backend import BackendInfo
from cog_core.ir import Capability
from cog_core.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.backend import Backend
    from cog_core.settings import Settings

CAPABILITIES = frozenset(
    {
        Capability.RUN,
        Capability.SECRET_MOUNT,
        Capability.BIND_MOUNT,
        Capability.CACHE_MOUNT,
        Capability.USER,
        Capability.IMAGE_BASE,
        Capability.STORE,
        Capability.OCI_LAYOUT,
        Capability.DOCKER_ARCHIVE,
        Capability.REGISTRY,
        Capability.OTHER_PLATFORMS,
        Capability.REPRODUCIBLE,
    }
)


def _load(settings: Settings) -> Backend:
    from cog_backends.buildkit.backend import BuildkitBackend  # noqa: PLC0415 - only builds need it

    return BuildkitBackend(settings)


@hookimpl
def cog_backends() -> Iterator[BackendInfo]:
    """Register the backend."""
    yield BackendInfo(
        name="buildkit",
        summary="a BuildKit server, here, on another machine or in a cluster",
        capabilities=CAPABILITIES,
        load=_load,
    )
