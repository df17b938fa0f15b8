"""An image from a registry into a layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci import canonical, image_config
from cog_oci.errors import InvalidImage, Missing, RegistryFailure
from cog_oci.manifest import Index, Manifest
from cog_oci.platform import Platform
from cog_oci.transfers import Progress, Stop, ignore, in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_oci.client import Client, Fetched
    from cog_oci.layout import Image, Layout
    from cog_oci.manifest import Descriptor
    from cog_oci.reference import Reference
    from cog_oci.transfers import OnProgress
    from cog_oci.transport import Response

_DEEPEST = 5
# Bytes that a broken connection must have brought, or it counts as one more failure in a row.
_WORTHWHILE = 1 << 20


def pull(
    client: Client,
    reference: Reference,
    layout: Layout,
    *,
    platform: Platform | None = None,
    progress: OnProgress = ignore,
) -> Image:
    """Bring an image into a layout, under its full name; blobs that are there already are not fetched.

    Args:
        client: Speaks to the registry.
        reference: The image.
        layout: Where it goes.
        platform: What it is to run on; None: linux/amd64 where there is a choice.
        progress: Called with bytes done and bytes in all, from several threads, but one at a time; what it raises
            ends the pull.

    Raises:
        NotFound: The registry has no such image.
        Missing: It has none for this platform.
        DigestMismatch: It sent something else than was promised.
        RegistryFailure: It refused, or is out of reach.
    """
    fetched = choose(client, reference, platform)
    if not isinstance(fetched.value, Manifest):
        raise InvalidImage(f"{reference} is no image")
    if fetched.value.config.size > canonical.LIMIT:
        raise InvalidImage(f"the configuration of {reference} has {fetched.value.config.size} bytes")
    counter = Progress(progress)
    blobs = list(dict.fromkeys(fetched.value.children))
    for blob in blobs:
        counter.expect(blob.digest, blob.size)
    in_parallel([_job(client, reference, layout, blob, counter) for blob in blobs])
    config = canonical.load(layout.blobs.read(fetched.value.config, limit=canonical.LIMIT), what=f"{reference}")
    _check_platform(config, platform, reference)
    descriptor = layout.blobs.put_bytes(fetched.data, fetched.descriptor.media_type)
    layout.tag(reference, descriptor)
    return layout.image(descriptor)


def choose(client: Client, reference: Reference, platform: Platform | None = None) -> Fetched:
    """Return the manifest of an image for one platform.

    Raises:
        NotFound: The registry has no such image.
        Missing: It has none for this platform.
        InvalidImage: Indexes lie in indexes without end.
    """
    for _ in range(_DEEPEST):
        fetched = client.manifest(reference)
        if not isinstance(fetched.value, Index):
            return fetched
        lone = fetched.value.manifests[0] if platform is None and len(fetched.value.manifests) == 1 else None
        child = lone or fetched.value.choose(platform or Platform(), what=str(reference))
        reference = reference.with_digest(child.digest)
    raise InvalidImage(f"{reference} is an index in more than {_DEEPEST} indexes")


def _check_platform(config: dict[str, object], platform: Platform | None, reference: Reference) -> None:
    """Refuse a lone image for something else; one that does not say what it is for passes."""
    found = image_config.platform(config)
    if platform is not None and found.architecture and not found.fits(platform):
        raise Missing(f"{reference} is an image for {found}, not for {platform}")


def _job(
    client: Client, reference: Reference, layout: Layout, blob: Descriptor, counter: Progress
) -> Callable[[Stop], None]:
    def fetch(stop: Stop) -> None:
        stop.check()
        if not layout.blobs.keep(blob):
            patient = attrs.evolve(client, retry=attrs.evolve(client.retry, sleep=stop.sleep))
            source = _Download(patient, reference, blob, lambda done: counter.reached(blob.digest, done), stop)
            try:
                layout.blobs.put_stream(source, blob.media_type, expected=blob)
            finally:
                source.close()
        counter.finished(blob.digest)

    return fetch


class _Download:
    """A blob as a stream that goes on where a broken connection ended (RFC 9110, section 14, "Range Requests")."""

    def __init__(
        self, client: Client, reference: Reference, blob: Descriptor, reached: Callable[[int], None], stop: Stop
    ) -> None:
        self._client = client
        self._reference = reference
        self._blob = blob
        self._reached = reached
        self._stop = stop
        self._response: Response | None = None
        self._done = 0
        self._failures = 0
        self._good_at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            RegistryFailure: The connection broke too often.
            Stopped: Another transfer failed.
        """
        while True:
            self._stop.check()
            try:
                data = self._next(size)
            except RegistryFailure as failure:
                self._broken(failure)
                continue
            self._done += len(data)
            self._reached(self._done)
            return data

    def close(self) -> None:
        """End the connection."""
        if self._response is not None:
            self._response.close()
            self._response = None

    def _next(self, size: int) -> bytes:
        if self._response is None:
            self._response = self._client.open_blob(self._reference, self._blob, self._done)
        data = self._response.read(size)
        if not data and self._done < self._blob.size:
            raise RegistryFailure(
                f"{self._reference.registry} ends {self._blob.digest} after {self._done} of {self._blob.size} bytes",
                reference=str(self._reference),
                retryable=True,
            )
        return data

    def _broken(self, failure: RegistryFailure) -> None:
        self.close()
        if self._done - self._good_at >= _WORTHWHILE:
            self._failures = 0
        self._good_at = self._done
        self._failures += 1
        if not failure.retryable or self._failures >= self._client.retry.attempts:
            raise failure
        self._client.retry.wait(self._failures, failure)
