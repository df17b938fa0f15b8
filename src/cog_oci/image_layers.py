"""The plain archives of an image's layers, checked against the image's configuration."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cog_oci import media
from cog_oci.decompress import plain
from cog_oci.digest import CHUNK, Digest, HashingReader
from cog_oci.errors import DigestMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_oci.digest import Readable
    from cog_oci.layout import Layout
    from cog_oci.manifest import Descriptor


@contextmanager
def open_layer(layout: Layout, layer: Descriptor, diff_id: Digest) -> Iterator[Readable]:
    """Yield a layer's archive, uncompressed; what the caller leaves is read in the end, so that digests are checked.

    Raises:
        Missing: The layout does not hold the layer.
        DigestMismatch: It is not what the manifest, or the configuration, promises.
        InvalidImage: It cannot be decompressed.
    """
    with layout.blobs.open(layer) as blob, plain(blob) as archive:
        if media.is_plain_layer(layer.media_type) and layer.digest == diff_id:
            yield archive
            _drain(archive)
            return
        hashing = HashingReader(archive)
        yield hashing
        _drain(hashing)
        if hashing.digest != diff_id:
            raise DigestMismatch(f"layer {layer.digest} holds {hashing.digest} where {diff_id} was promised")


def _drain(source: Readable) -> None:
    while source.read(CHUNK):
        pass
