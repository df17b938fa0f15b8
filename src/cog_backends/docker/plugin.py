"""Registers the backend ``docker``; imports nothing of Docker's."""

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

CAPABILITIES = OF_DOCKERFILES | {Capability.RUN_IMAGES, Capability.OTHER_PLATFORMS}


def _load(settings: Settings) -> Backend:
    from cog_backends.docker.backend import DockerBackend  # noqa: PLC0415 - the engine's library is slow to import

    return DockerBackend(settings)


@hookimpl
def cog_backends() -> Iterator[BackendInfo]:
    """Register the backend."""
    yield BackendInfo(
        name="docker", summary="a Docker engine, local or remote", capabilities=CAPABILITIES, load=_load
    )
