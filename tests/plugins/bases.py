"""A small base image for two platforms that looks as if it had a Python, for backends that run nothing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci import canonical, media
from cog_oci.entries import Entry
from cog_oci.images import copy_image, write_layer
from cog_oci.layout import Layout
from cog_oci.manifest import Index, Manifest
from cog_oci.platform import Platform
from tests.contract.small_base import make

if TYPE_CHECKING:
    from pathlib import Path

    from cog_oci.layout import Image
    from cog_oci.manifest import Descriptor


def with_python(folder: Path, version: str) -> Path:
    """Make the image in a folder and return its layout."""
    layout = Layout.create(folder / "with-python")
    base = copy_image(Layout.open(make(folder).layout), None, layout, name="base")
    layer = write_layer(layout, [Entry(path=f"usr/local/bin/python{version}", mode=0o755, content=b"#!/bin/sh\n")])
    images = tuple(_for(architecture, base, layer, layout) for architecture in ("amd64", "arm64"))
    layout.tag("both", layout.put_manifest(Index(manifests=images)))
    layout.untag("base")
    return layout.root


def _for(architecture: str, base: Image, layer: Descriptor, layout: Layout) -> Descriptor:
    diff_ids = [*map(str, base.diff_ids), str(layer.digest)]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = {**base.config, "architecture": architecture, "rootfs": rootfs, "history": []}
    described = layout.blobs.put_bytes(canonical.dump(config), media.OCI_CONFIG)
    manifest = layout.put_manifest(Manifest(config=described, layers=(*base.manifest.layers, layer)))
    return attrs.evolve(manifest, platform=Platform("linux", architecture))
