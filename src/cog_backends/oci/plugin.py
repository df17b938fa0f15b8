"""Registers the backend ``oci``; imports nothing that is slow."""

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
        Capability.IMAGE_BASE,
        Capability.PYTHON_BASE,
        Capability.SYSTEM_PACKAGES,
        Capability.PYTHON_PACKAGES,
        Capability.RUNTIME,
        Capability.WEIGHTS,
        Capability.STORE,
        Capability.OCI_LAYOUT,
        Capability.DOCKER_ARCHIVE,
        Capability.REGISTRY,
        Capability.OTHER_PLATFORMS,
        Capability.REPRODUCIBLE,
        Capability.RUN_IMAGES,
    }
)


def _load(settings: Settings) -> Backend:
    from cog_backends.oci.backend import OciBackend  # noqa: PLC0415 - only builds need it

    return OciBackend(settings)


@hookimpl
def cog_backends() -> Iterator[BackendInfo]:
    """Register the backend."""
    yield BackendInfo(
        name="oci", summary="built in: no engine, no daemon, no root", capabilities=CAPABILITIES, load=_load
    )
