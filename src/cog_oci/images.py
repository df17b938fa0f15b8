"""Making images in a layout out of layers, and taking images over from another layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci import canonical, image_config, media
from cog_oci.errors import DigestMismatch, InvalidImage
from cog_oci.layers import pack
from cog_oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cog_oci.entries import Entry
    from cog_oci.layout import Image, Layout
    from cog_oci.manifest import Descriptor, Pairs
    from cog_oci.platform import Platform
    from cog_oci.reference import Reference


def write_layer(layout: Layout, entries: Iterable[Entry], *, mtime: int = 0) -> Descriptor:
    """Pack entries into a layout; the layer is not compressed, so its digest is its diff_id as well.

    Args:
        layout: Where the layer goes.
        entries: As :func:`cog_oci.layers.pack` takes them.
        mtime: Time of the folders that are added, in seconds since 1970.

    Raises:
        InvalidImage: As :func:`cog_oci.layers.pack`.
    """
    with layout.blobs.writer() as blob:
        pack(entries, blob, mtime=mtime)
        return blob.commit(media.OCI_LAYER)


def write_image(
    layout: Layout,
    config: bytes,
    layers: Sequence[Descriptor],
    *,
    name: str | Reference | None = None,
    annotations: Pairs = (),
) -> Image:
    """Write an image whose layers the layout holds already, and name it.

    Args:
        layout: Where the image goes.
        config: The configuration, as its digest is to be computed from it (OCI image specification, "Image
            Configuration").
        layers: Lowest first; as many as the configuration has diff_ids.
        name: Its name, which no other image keeps; None lists the image without one.
        annotations: Of the manifest, sorted by key.

    Raises:
        InvalidImage: The configuration is none, or is about other layers.
        Missing: The layout lacks a layer.
    """
    _check(config, layers)
    described = layout.blobs.put_bytes(config, media.OCI_CONFIG)
    descriptor = layout.put_manifest(Manifest(config=described, layers=tuple(layers), annotations=annotations))
    layout.tag(name, descriptor)
    return layout.image(descriptor)


def copy_image(
    source: Layout,
    which: Descriptor | str | Reference | None,
    target: Layout,
    *,
    name: str | Reference | None = None,
    platform: Platform | None = None,
) -> Image:
    """Copy one image, for one platform, to another layout; every blob is verified on its way.

    Args:
        source: Where it is.
        which: A descriptor, a name, or None for the only image.
        target: Where it goes; blobs are shared with the source where the file system can.
        name: Its name there; None lists it without one.
        platform: What it is to run on, as :meth:`Layout.image` takes it.

    Raises:
        Missing: There is no such image, or a blob of it is not there.
        DigestMismatch: A blob is not what it should be.
        InvalidImage: The image is damaged.
    """
    image = source.image(which, platform)
    # Annotations in the list of images, such as its name, belong to the layout that it comes from.
    descriptor = attrs.evolve(image.descriptor, annotations=(), platform=None)
    for blob in dict.fromkeys((*image.manifest.children, descriptor)):
        target.blobs.copy_from(source.blobs, blob)
    target.tag(name, descriptor)
    return target.image(descriptor)


def _check(config: bytes, layers: Sequence[Descriptor]) -> None:
    diff_ids = image_config.diff_ids(canonical.load(config, what="the image's configuration"))
    if len(diff_ids) != len(layers):
        raise InvalidImage(
            f"the image has another number of layers ({len(layers)}) than its configuration ({len(diff_ids)})"
        )
    for diff_id, layer in zip(diff_ids, layers, strict=True):
        if media.is_plain_layer(layer.media_type) and layer.digest != diff_id:
            raise DigestMismatch(f"the image's configuration promises layer {diff_id} where {layer.digest} is")
