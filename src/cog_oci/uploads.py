"""Large blobs in parts (OCI distribution specification 1.1, "Pushing a blob in chunks")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci.digest import CHUNK
from cog_oci.errors import NotFound, RegistryFailure
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_oci.client import Client, Upload
    from cog_oci.manifest import Descriptor
    from cog_oci.reference import Reference


# The registry forgot the upload, or is not where we believed it to be: asking it for its place helps.
_ASK_AGAIN = frozenset({404, 416})


@attrs.frozen(kw_only=True)
class Pace(Frozen):
    """How an image is sent.

    Attributes:
        at_once: Transfers that run at the same time.
        part: Bytes of a part, unless the registry wants larger or smaller ones. Proxies in front of registries
            refuse requests from 100 MB on.
        whole_up_to: Bytes up to which a blob is sent in one request.
    """

    at_once: int = 4
    part: int = 96 << 20
    whole_up_to: int = 128 << 20


@attrs.frozen(kw_only=True)
class PartedUpload(Frozen):
    """One blob's way to a registry; a broken connection costs one part.

    Attributes:
        path: File with the blob's bytes, which the registry verifies at the end.
        part: Bytes of a part.
        reached: Told how many bytes are done.
        check: Raises when the upload is to end.
    """

    client: Client
    reference: Reference
    blob: Descriptor
    path: Path
    part: int
    reached: Callable[[int], None]
    check: Callable[[], None]

    def run(self) -> None:
        """Send the blob; after a failure the registry is asked where to go on.

        Raises:
            RegistryFailure: The registry refused, or too many attempts in a row brought nothing.
        """
        retry = self.client.retry
        upload = self.client.start_upload(self.reference)
        done = furthest = failures = 0
        while True:
            try:
                if done == self.blob.size:
                    self.client.finish_upload(self.reference, upload.address, self.blob)
                    return
                upload = self._send(upload, done)
                done += upload.sent
            except RegistryFailure as failure:
                failures = 1 if done > furthest else failures + 1
                furthest = max(furthest, done)
                if not (failure.retryable or failure.status in _ASK_AGAIN) or failures >= retry.attempts:
                    raise
                retry.wait(failures, failure)
                upload = self._find(upload)
                done = upload.sent

    def _send(self, upload: Upload, start: int) -> Upload:
        size = min(upload.fit(self.part), self.blob.size - start)
        return self.client.send_part(self.reference, upload, start, size, lambda: self._read(start, size))

    def _find(self, upload: Upload) -> Upload:
        """Ask how far the registry is; one that has forgotten begins anew."""
        try:
            found = self.client.find_upload(self.reference, upload)
        except NotFound:
            found = self.client.start_upload(self.reference)
        if found.sent > self.blob.size:
            raise RegistryFailure(f"{self.reference.registry} has more of {self.blob.digest} than was sent")
        return found

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            left = size
            while left and (data := file.read(min(left, CHUNK))):
                self.check()
                yield data
                left -= len(data)
                self.reached(start + size - left)
