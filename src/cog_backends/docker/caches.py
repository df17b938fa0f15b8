"""Which caches a builder of Docker's writes.

The builder inside an engine reads those in registries, whatever its age. But buildx has it write none but ``inline``,
unless the engine keeps its images in containerd's store (docs.docker.com, "Cache storage backends"). Builders of
buildx's other drivers write all kinds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_backends.docker.rungs import RungKind
from cog_core.errors import UnsupportedPlan
from cog_core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_backends.docker.client import Engine
    from cog_backends.docker.rungs import Rung
    from cog_core.caches import Cache
    from cog_core.process import Runner
    from cog_core.settings import Settings

_INLINE: Final = "inline"
"""The cache that is a part of the image."""
_OF_THE_ENGINE: Final = "docker"
"""The driver that is the engine's own builder."""
_DRIVER: Final = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)
_PATIENCE: Final = 30.0
"""Seconds in which buildx looks for a builder, which may be on another machine; it gives up after 20 itself."""


def check_exports(caches: Iterable[Cache], engine: Engine, rung: Rung, settings: Settings, run: Runner) -> None:
    """Return if the builder writes these caches.

    Args:
        caches: Where the layers of a build go.
        engine: Where images end up.
        rung: The way to its builder.
        settings: Name the builder, if it is not the engine's own.
        run: Starts programs.

    Raises:
        UnsupportedPlan: It does not write one of them.
    """
    kinds = [cache.kind for cache in caches if cache.kind != _INLINE]
    if not kinds or rung.kind is not RungKind.BUILDX:
        return
    if _driver(rung, settings, run) == _OF_THE_ENGINE and not engine.keeps_images_in_containerd:
        raise UnsupportedPlan(
            f"Docker {engine.version} writes no cache of type={kinds[0]} without containerd's image store",
            hint="Turn that store on (Docker 24 or later), name a builder of another driver in BUILDX_BUILDER, use "
            "--cache-to type=inline, or use --backend buildkit.",
        )


def _driver(rung: Rung, settings: Settings, run: Runner) -> str:
    """Return the driver of the builder; nothing when buildx does not know, which it then says itself."""
    name = settings.environ.get("BUILDX_BUILDER")
    if not name:
        return _OF_THE_ENGINE
    argv = (rung.program, "buildx", "inspect", name)
    found = _DRIVER.search(run(Command(argv=argv, env=settings.environ, timeout=_PATIENCE)).stdout)
    return found[1] if found else ""
