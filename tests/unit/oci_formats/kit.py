"""What the tests of images and of registries share."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from cog_oci import canonical, digest, media
from cog_oci.client import Client, anonymous
from cog_oci.entries import Entry, Kind
from cog_oci.layers import pack
from cog_oci.manifest import Manifest
from cog_oci.retry import Retry
from cog_oci.transport import Transport, TransportOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cog_oci.auth import Credentials
    from cog_oci.layout import Image, Layout


def file(path: str, content: bytes = b"", **more: Any) -> Entry:
    return Entry(path=path, content=content, **more)


def folder(path: str, mode: int = 0o755) -> Entry:
    return Entry(path=path, kind=Kind.FOLDER, mode=mode)


def symlink(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.SYMLINK, target=target, mode=0o777)


def hardlink(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.HARDLINK, target=target)


def archive(*entries: Entry) -> bytes:
    out = io.BytesIO()
    pack(entries, out, mtime=0)
    return out.getvalue()


def add_image(
    layout: Layout, layers: Sequence[bytes], *, compressed: bool = False, config: dict[str, Any] | None = None
) -> Image:
    descriptors = []
    for layer in layers:
        data = gzip.compress(layer, mtime=0) if compressed else layer
        descriptors.append(layout.blobs.put_bytes(data, media.OCI_LAYER_GZIP if compressed else media.OCI_LAYER))
    rootfs = {"type": "layers", "diff_ids": [digest.of_bytes(layer) for layer in layers]}
    document = {"architecture": "amd64", "os": "linux", "rootfs": rootfs, "config": {}, **(config or {})}
    described = layout.blobs.put_bytes(canonical.dump(document), media.OCI_CONFIG)
    return layout.image(layout.put_manifest(Manifest(config=described, layers=tuple(descriptors))))


@contextmanager
def client_for(
    credentials: Credentials = anonymous, *, sleep: Callable[[float], object] = lambda _: None, **options: Any
) -> Iterator[Client]:
    with Transport(TransportOptions(**options)) as transport:
        yield Client(transport, credentials, Retry(sleep=sleep, first=0.001))


@attrs.frozen
class Kit:
    """What the tests of this folder share."""

    file: Any = file
    folder: Any = folder
    symlink: Any = symlink
    hardlink: Any = hardlink
    archive: Any = archive
    add_image: Any = add_image
    client_for: Any = client_for
