"""Registers the backend ``buildkit``; imports nothing that is slow."""

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

CAPABILITIES = OF_DOCKERFILES | {Capability.OTHER_PLATFORMS, Capability.REPRODUCIBLE}


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
