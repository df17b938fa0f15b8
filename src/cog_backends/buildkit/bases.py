"""Base images that lie in a folder or an archive of the user's, as layouts that the server reads through us."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.buildkit.commands import OciLayout
from cog_core.errors import BackendError
from cog_core.image_failures import mapped
from cog_core.ir import ImageBase
from cog_oci.layout import Layout
from cog_oci.platform import Platform as OciPlatform

if TYPE_CHECKING:
    from cog_core.ir import BuildPlan

NAME: Final = "base"
"""What such a base is called in the Dockerfile."""


def with_local_base(plan: BuildPlan, folder: Path) -> tuple[BuildPlan, dict[str, OciLayout]]:
    """Return the plan with a base that a Dockerfile can name, and the layout behind that name if there is one.

    Args:
        plan: Its base is ``oci:DIR[:TAG]``, ``docker-archive:FILE``, or a reference that the server can pull.
        folder: Where an archive is unpacked.

    Raises:
        ImageNotFound: There is no such image.
        BackendError: The archive or the layout is damaged.
    """
    base = plan.stage.base
    assert isinstance(base, ImageBase)
    kind, _, place = base.reference.partition(":")
    if kind not in {"oci", "docker-archive"}:
        return plan, {}
    with mapped():
        layout, name = _unpacked(Path(place), folder) if kind == "docker-archive" else _opened(place)
        wanted = OciPlatform(plan.platform.os, plan.platform.architecture, plan.platform.variant)
        image = layout.image(name, wanted)
    stage = attrs.evolve(plan.stage, base=attrs.evolve(base, reference=NAME))
    found = OciLayout(_view(layout.root, folder / "base"), str(image.descriptor.digest))
    return attrs.evolve(plan, stage=stage), {NAME: found}


def _opened(place: str) -> tuple[Layout, str | None]:
    folder, _, name = place.partition(":")
    return Layout.open(Path(folder)), name or None


def _unpacked(archive: Path, folder: Path) -> tuple[Layout, str | None]:
    from cog_oci.archive_import import read_archive  # noqa: PLC0415 - slow to load, and most bases are none

    try:
        found = read_archive(archive, Layout.create(folder / "archive"))
    except OSError as error:
        raise BackendError(f"cannot read {archive}: {error.strerror}") from error
    if len(found) != 1:
        raise BackendError(f"{archive} holds {len(found)} images", hint="Save one image into it.")
    return Layout.open(folder / "archive"), None


def _view(layout: Path, folder: Path) -> Path:
    """Return a folder that shows a layout's blobs: ``buildctl`` makes a folder of its own beside them."""
    folder.mkdir()
    (folder / "blobs").symlink_to(layout.resolve() / "blobs", target_is_directory=True)
    return folder
