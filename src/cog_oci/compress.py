"""Layers in gzip, as registries keep them: compressed once, to the same bytes by the same version of the library."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import isal
from isal import isal_zlib

from cog_oci import canonical, media
from cog_oci.blobs import Blobs
from cog_oci.digest import CHUNK, Digest, encoded
from cog_oci.errors import InvalidImage
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen
from cog_oci.image_layers import open_layer
from cog_oci.manifest import Descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_oci.digest import Readable, Writable
    from cog_oci.layout import Layout

_isal_zlib: Any = isal_zlib

# Level 1 of this library gives other bytes in some runs; 2 and 3 were stable in all that were tried.
_LEVEL = 2
_GZIP_FRAMES = 31

COMPRESSOR: Final = re.sub(r"[^A-Za-z0-9.]+", "_", f"isal_{isal.__version__}_{isal.ISAL_VERSION}") + f"-{_LEVEL}"
"""What made the bytes: library, its versions, and level. Another one may give others for the same layer."""


def _go_on() -> None:
    """Never end the work."""


def gzip(source: Readable, out: Writable, *, check: Callable[[], None] = _go_on) -> None:
    """Compress a stream (RFC 1952) without a name or a time in its header.

    The library's output depends on the pieces that it is fed, so these have a fixed size.
    ``check`` is called before each.
    """
    compressor = _isal_zlib.compressobj(_LEVEL, wbits=_GZIP_FRAMES)
    for piece in _pieces(source):
        check()
        out.write(compressor.compress(piece))
    out.write(compressor.flush())


@attrs.frozen
class CompressedLayers(Frozen):
    """A folder of compressed layers by the digest of what is in them.

    What is remembered of a layer, its digest and size, is enough when a registry has it already; the bytes may be
    removed at any time and come back when they are needed.
    """

    root: Path

    @property
    def blobs(self) -> Blobs:
        """The compressed bytes."""
        return Blobs(self.root)

    def known(self, diff_id: Digest) -> Descriptor | None:
        """Return what a layer becomes, if it was compressed before; its bytes may be gone."""
        path = self._record(diff_id)
        try:
            record = canonical.load_file(path)
            return Descriptor.from_json({**record, "mediaType": media.OCI_LAYER_GZIP}, what=str(path))
        except (FileNotFoundError, InvalidImage):
            return None

    def make(
        self, layout: Layout, layer: Descriptor, diff_id: Digest, *, check: Callable[[], None] = _go_on
    ) -> Descriptor:
        """Return a compressed layer whose bytes are here, compressing it if need be.

        Args:
            layout: Holds the layer.
            layer: The layer.
            diff_id: Digest of the archive in it.
            check: Called now and then; raises to end the work, of which nothing is left then.

        Raises:
            Missing: The layout does not hold the layer.
            DigestMismatch: It is not what it should be.
        """
        known = self.known(diff_id)
        if known is not None and self.blobs.has(known):
            return known
        self.root.mkdir(parents=True, exist_ok=True)
        with self.blobs.writer() as blob:
            with open_layer(layout, layer, diff_id) as archive:
                gzip(archive, blob, check=check)
            made = blob.commit(media.OCI_LAYER_GZIP)
        record = canonical.dump({"digest": made.digest, "size": made.size})
        replace_file(self._record(diff_id), record, folder=self.blobs.scratch)
        return made

    def _record(self, diff_id: Digest) -> Path:
        return self.root / f"{encoded(diff_id)}.{COMPRESSOR}.json"


def _pieces(source: Readable) -> Iterator[bytes]:
    while piece := source.read(CHUNK):
        while len(piece) < CHUNK and (more := source.read(CHUNK - len(piece))):
            piece += more
        yield piece
