"""Digests of configurations, where an engine calls its images by their manifests.

An image's identity is the digest of its configuration. An engine with containerd's store names images by their
manifests, and its API does not tell the other digest; the builder does, so it is noted then.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class Identities(Frozen):
    """What was noted: a small file for each image that was built with such an engine.

    Attributes:
        folder: Where they lie.
    """

    folder: Path

    def note(self, engine_id: str, image_id: str) -> None:
        """Remember what identifies an image that an engine knows by another digest."""
        if engine_id != image_id:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file(engine_id).write_text(image_id, "ascii")

    def of(self, engine_id: str) -> str:
        """Return what identifies an image; the engine's own id where nothing else is known."""
        with contextlib.suppress(OSError):
            return self._file(engine_id).read_text("ascii")
        return engine_id

    def _file(self, engine_id: str) -> Path:
        return self.folder / engine_id.rpartition(":")[2]
