"""An image from a layout to a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci import canonical, media
from cog_oci.digest import CHUNK, of_bytes
from cog_oci.frozen import Frozen
from cog_oci.manifest import Descriptor
from cog_oci.transfers import Progress, Stop, ignore, in_parallel
from cog_oci.uploads import Pace, PartedUpload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cog_oci.blobs import Blobs
    from cog_oci.client import Client
    from cog_oci.compress import CompressedLayers
    from cog_oci.digest import Digest
    from cog_oci.layout import Image, Layout
    from cog_oci.reference import Reference
    from cog_oci.transfers import OnProgress


_USUAL_PACE = Pace()


def worth_compressing(layer: Descriptor) -> bool:
    """Say whether a layer is to be compressed: by default, every layer that is not."""
    return media.is_plain_layer(layer.media_type)


def push(
    client: Client,
    layout: Layout,
    image: Image,
    reference: Reference,
    *,
    tags: Iterable[str] = (),
    compressed: CompressedLayers | None = None,
    compress: Callable[[Descriptor], bool] = worth_compressing,
    mount_from: Sequence[str] = (),
    pace: Pace = _USUAL_PACE,
    progress: OnProgress = ignore,
) -> Descriptor:
    """Send an image and return the descriptor of its manifest in the registry; the manifest goes last.

    Args:
        client: Speaks to the registry.
        layout: Where the image is.
        image: The image.
        reference: Where it goes.
        tags: Further tags of the same repository.
        compressed: Keeps compressed layers; None: layers are sent as they are in the layout.
        compress: Which of the uncompressed layers to compress.
        mount_from: Repositories of the same registry that may have the blobs already.
        pace: How much at once.
        progress: Called with bytes done and bytes in all, from several threads, but one at a time; what it raises
            ends the push.

    Raises:
        Missing: The layout lacks a blob.
        DigestMismatch: A blob is not what it should be.
        RegistryFailure: The registry refused, or is out of reach.
    """
    counter = Progress(progress)
    sending = _Sending(client, layout, reference, tuple(mount_from), counter, pace)
    manifest = image.manifest
    pairs = dict(zip(manifest.layers, image.diff_ids, strict=True))
    for blob in (manifest.config, *pairs):
        counter.expect(blob.digest, blob.size)

    def job(layer: Descriptor, diff_id: Digest) -> Callable[[Stop], Descriptor]:
        if compressed is not None and media.is_plain_layer(layer.media_type) and compress(layer):
            return lambda stop: sending.compress(layer, diff_id, compressed, stop)
        return lambda stop: sending.send(layer, layout.blobs, stop)

    sent = dict(zip(pairs, in_parallel([job(*pair) for pair in pairs.items()], at_once=pace.at_once), strict=True))
    in_parallel([lambda stop: sending.send(manifest.config, layout.blobs, stop)])
    data = layout.blobs.read(image.descriptor, limit=canonical.LIMIT)
    descriptor = image.descriptor
    if any(before != after for before, after in sent.items()):
        changed = attrs.evolve(manifest.as_oci(), layers=tuple(sent[layer] for layer in manifest.layers))
        data = changed.to_bytes()
        descriptor = Descriptor(media_type=changed.media_type, digest=of_bytes(data), size=len(data))
    client.put_manifest(reference, descriptor, data)
    for tag in tags:
        client.put_manifest(reference.with_tag(tag), descriptor, data)
    return descriptor


@attrs.frozen
class _Sending(Frozen):
    """Where the blobs of one image go."""

    client: Client
    layout: Layout
    reference: Reference
    mount_from: tuple[str, ...]
    counter: Progress
    pace: Pace

    def compress(self, layer: Descriptor, diff_id: Digest, compressed: CompressedLayers, stop: Stop) -> Descriptor:
        """Send a layer's compressed form, which is made only if the registry lacks it."""
        stop.check()
        known = compressed.known(diff_id)
        if known is not None and self._is_there(self._patient(stop), known):
            self.counter.finished(layer.digest)
            return attrs.evolve(known, annotations=layer.annotations)
        made = compressed.make(self.layout, layer, diff_id, check=stop.check)
        self.counter.expect(layer.digest, made.size)
        self.send(made, compressed.blobs, stop, key=layer.digest, absent=made == known)
        return attrs.evolve(made, annotations=layer.annotations)

    def send(
        self, blob: Descriptor, blobs: Blobs, stop: Stop, *, key: str | None = None, absent: bool = False
    ) -> Descriptor:
        """Send a blob, unless the registry has it; ``absent`` says that it has not."""
        stop.check()
        client = self._patient(stop)
        if absent or not self._is_there(client, blob):
            self._upload(client, blob, blobs, stop, key or blob.digest)
        self.counter.finished(key or blob.digest)
        return blob

    def _patient(self, stop: Stop) -> Client:
        return attrs.evolve(self.client, retry=attrs.evolve(self.client.retry, sleep=stop.sleep))

    def _is_there(self, client: Client, blob: Descriptor) -> bool:
        """Ask the repository, and then the others that may lend the blob."""
        return client.has_blob(self.reference, blob) or any(
            client.mount(self.reference, blob, source) for source in self.mount_from
        )

    def _upload(self, client: Client, blob: Descriptor, blobs: Blobs, stop: Stop, key: str) -> None:
        if blob.size <= self.pace.whole_up_to:
            client.retry.run(lambda: self._upload_whole(client, blob, blobs, stop, key))
            return
        PartedUpload(
            client=client,
            reference=self.reference,
            blob=blob,
            path=blobs.path(blob.digest),
            part=self.pace.part,
            reached=lambda done: self.counter.reached(key, done),
            check=stop.check,
        ).run()

    def _upload_whole(self, client: Client, blob: Descriptor, blobs: Blobs, stop: Stop, key: str) -> None:
        def body() -> Iterator[bytes]:
            done = 0
            with blobs.open(blob) as source:
                while data := source.read(CHUNK):
                    stop.check()
                    yield data
                    done += len(data)
                    self.counter.reached(key, done)

        client.finish_upload(self.reference, client.start_upload(self.reference).address, blob, body)
