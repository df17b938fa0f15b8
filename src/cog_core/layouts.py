"""Looking at an image that lies in a folder (OCI image specification, "Image Layout")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_core.backend import ImageInfo, Layer
from cog_core.errors import ImageNotFound
from cog_core.values import Platform
from cog_oci.errors import OciError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from cog_oci.layout import Image


def is_layout(path: Path) -> bool:
    """Say whether a folder holds OCI images."""
    return (path / "oci-layout").is_file()


def inspect_layout(path: Path, name: str | None = None) -> ImageInfo:
    """Return what an image in a folder says about itself.

    Args:
        path: The layout.
        name: Which image; by default the only one.

    Raises:
        ImageNotFound: There is none, or no single one, or it is damaged.
    """
    from cog_oci.layout import Layout  # noqa: PLC0415 - slow to load, and most builds write none

    try:
        layout = Layout.open(path)
        image = layout.image(name)
        names = tuple(known for known, found in layout.images() if known and found.digest == image.descriptor.digest)
    except OciError as error:
        raise ImageNotFound(error.message, hint=error.hint) from error
    return image_info(image, names, location=str(path))


def image_info(image: Image, references: Iterable[str] = (), *, location: str = "") -> ImageInfo:
    """Return what an image says about itself.

    Args:
        image: From a layout.
        references: The names that it has.
        location: Where the layout is.
    """
    from cog_oci import image_config  # noqa: PLC0415 - as above

    platform = image_config.platform(image.config)
    created_by = _created_by(image.config)
    layers = tuple(
        Layer(diff_id=str(diff_id), size=descriptor.size, created_by=created_by[index] if created_by else "")
        for index, (diff_id, descriptor) in enumerate(zip(image.diff_ids, image.manifest.layers, strict=True))
    )
    return ImageInfo(
        image_id=str(image.image_id),
        digest=str(image.descriptor.digest),
        references=tuple(references),
        platform=Platform(platform.os, platform.architecture, platform.variant),
        labels=image.labels,
        config=image_config.run_config(image.config),
        layers=layers,
        size=sum(descriptor.size for descriptor in image.manifest.layers),
        location=location,
    )


def _created_by(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what made each layer; nothing when the history does not tell of every one."""
    history = config.get("history")
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    found = tuple(str(entry.get("created_by", "")) for entry in entries if not entry.get("empty_layer"))
    rootfs = config.get("rootfs")
    count = len(rootfs.get("diff_ids") or ()) if isinstance(rootfs, dict) else 0
    return found if len(found) == count else ()
