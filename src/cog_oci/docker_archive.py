"""Images in one tar file that ``docker load``, ``podman load`` and containerd all take.

It is an OCI image layout (OCI image specification) and a Docker image archive (its ``manifest.json``) at once; both
point at the same blobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_oci import canonical, index_file, tar_header
from cog_oci.archive_import import LoadedImage, read_archive
from cog_oci.digest import CHUNK, Digest, Writable, encoded
from cog_oci.entries import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cog_oci.layout import Image, Layout
    from cog_oci.manifest import Descriptor
    from cog_oci.reference import Reference

__all__ = ["LoadedImage", "read_archive", "write_archive"]

_MARKER = canonical.dump({"imageLayoutVersion": "1.0.0"})
_FOLDERS: Final = ("blobs", "blobs/sha256")


def write_archive(
    layout: Layout, image: Image, out: Writable, *, names: Sequence[Reference] = (), known: Sequence[str] = ()
) -> None:
    """Write an image as an archive.

    Equal images and names give equal bytes.

    Args:
        layout: Where the image is.
        image: The image.
        out: Where the archive goes; written in one pass, so it may be a socket.
        names: What the image is called where it is loaded; each with a tag.
        known: The uncompressed layers' digests of an image that the daemon has, lowest first. Those that both
            begin with are left out, since the daemon looks layers up before it opens them. Only Docker with its
            own layer store does so; with left-out layers the file is no OCI layout.

    Raises:
        Missing: The layout lacks a blob.
        DigestMismatch: A blob is not what it should be; what was written then is no complete archive.
    """
    layers = image.manifest.layers
    skipped = _common(image.diff_ids, known)
    blobs = {descriptor.digest: descriptor for descriptor in (image.manifest.config, *layers[skipped:])}
    documents = {"manifest.json": _docker_manifest(image, names)}
    if not skipped:
        blobs[image.descriptor.digest] = image.descriptor
        documents |= {index_file.FILE: _index(image, names), "oci-layout": _MARKER}
    for path in _FOLDERS:
        out.write(tar_header.encode(Entry(path=path, kind=Kind.FOLDER, mode=0o755), 0))
    for descriptor in sorted(blobs.values(), key=lambda blob: blob.digest):
        _write_blob(layout, descriptor, out)
    for path, data in sorted(documents.items()):
        out.write(tar_header.encode(Entry(path=path), len(data)) + data + tar_header.padding(len(data)))
    out.write(bytes(2 * tar_header.BLOCK))


def _common(ours: Sequence[Digest], theirs: Sequence[str]) -> int:
    count = 0
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            break
        count += 1
    return count


def _write_blob(layout: Layout, descriptor: Descriptor, out: Writable) -> None:
    out.write(tar_header.encode(Entry(path=_path(descriptor.digest)), descriptor.size))
    with layout.blobs.open(descriptor) as blob:
        while data := blob.read(CHUNK):
            out.write(data)
    out.write(tar_header.padding(descriptor.size))


def _docker_manifest(image: Image, names: Sequence[Reference]) -> bytes:
    return canonical.dump(
        [
            {
                "Config": _path(image.manifest.config.digest),
                "RepoTags": [attrs.evolve(name, digest=None).familiar for name in names] or None,
                "Layers": [_path(layer.digest) for layer in image.manifest.layers],
            }
        ]
    )


def _index(image: Image, names: Sequence[Reference]) -> bytes:
    plain = attrs.evolve(image.descriptor, annotations=())
    named = [
        attrs.evolve(plain, annotations=((index_file.CONTAINERD_NAME, text), (index_file.NAME, text)))
        for text in (str(attrs.evolve(name, digest=None)) for name in names)
    ]
    return index_file.dump([descriptor.to_json() for descriptor in named or [plain]])


def _path(digest: Digest) -> str:
    return f"blobs/sha256/{encoded(digest)}"
