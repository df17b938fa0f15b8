"""Blobs of an OCI image layout: files that are named by their digest and never change."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import attrs

from cog_oci import clock
from cog_oci.digest import CHUNK, Digest, HashingReader, HashingWriter, encoded, of_file
from cog_oci.errors import DigestMismatch, InvalidImage, Missing
from cog_oci.files import fresh_path, scratch_file
from cog_oci.frozen import Frozen
from cog_oci.locks import locked
from cog_oci.manifest import Descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_oci.digest import Readable


class VerifyingReader(HashingReader):
    """Reads bytes that a descriptor promises, and gives the last of them only when all are right."""

    def __init__(self, source: Readable, expected: Descriptor) -> None:
        super().__init__(source)
        self._expected = expected

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            DigestMismatch: There are more or fewer than promised, or others.
        """
        data = super().read(size)
        if self.size >= self._expected.size or (size and not data):
            _check(self._expected, self.digest, self.size)
        return data


class BlobWriter:
    """A blob in the making; see :meth:`Blobs.writer`."""

    def __init__(self, out: HashingWriter, commit: Callable[[Digest, int], None]) -> None:
        self._out = out
        self._commit = commit

    def write(self, data: bytes, /) -> int:
        """Take the next bytes."""
        return self._out.write(data)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._out.size

    @property
    def digest(self) -> Digest:
        """Digest of the bytes so far."""
        return self._out.digest

    def commit(self, media_type: str) -> Descriptor:
        """Keep what was written, under its digest."""
        self._commit(self.digest, self.size)
        return Descriptor(media_type=media_type, digest=self.digest, size=self.size)


@attrs.frozen
class Blobs(Frozen):
    """The blobs of the layout in a folder.

    Several processes may write at once: blobs are made beside the store and renamed into it.

    Attributes:
        root: The layout's folder.
    """

    root: Path

    def path(self, digest: Digest) -> Path:
        """Return where a blob is or would be."""
        return self.root / "blobs" / "sha256" / encoded(digest)

    @property
    def scratch(self) -> Path:
        """Folder for files in the making, on the store's file system."""
        return self.root / "ingest"

    @property
    def lock(self) -> Path:
        """File of the lock that whoever removes blobs holds, and whoever vouches for one."""
        return self.root / ".lock"

    def has(self, descriptor: Descriptor) -> bool:
        """Say whether a blob is there in full length."""
        try:
            return self.path(descriptor.digest).stat().st_size == descriptor.size
        except FileNotFoundError:
            return False

    def keep(self, descriptor: Descriptor) -> bool:
        """Say whether a blob is there, and if so save it from the next :meth:`Layout.prune` as if it were new."""
        with locked(self.lock):
            if not self.has(descriptor):
                return False
            now = clock.now()
            os.utime(self.path(descriptor.digest), (now, now))
            return True

    @contextmanager
    def open(self, descriptor: Descriptor) -> Iterator[VerifyingReader]:
        """Yield a blob's bytes; the digest is checked when the last of them is read.

        Raises:
            Missing: There is no such blob.
            DigestMismatch: While reading: it is not what it should be.
        """
        try:
            file = self.path(descriptor.digest).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise Missing(f"{self.root} does not hold the blob {descriptor.digest}") from error
        with file:
            yield VerifyingReader(file, descriptor)

    def read(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """Return all of a small blob, verified.

        Raises:
            InvalidImage: It has more than ``limit`` bytes.
            Missing: There is no such blob.
            DigestMismatch: It is not what it should be.
        """
        if descriptor.size > limit:
            raise InvalidImage(f"{descriptor.digest} has {descriptor.size} bytes, more than {limit}")
        with self.open(descriptor) as blob:
            data = blob.read(descriptor.size + 1)
            while len(data) < descriptor.size:
                data += blob.read(descriptor.size + 1 - len(data))
            return data

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """Yield something to write a blob to; what was not committed in the end is gone."""
        with scratch_file(self.scratch) as (path, file), HashingWriter(_WriteAll(file)) as out:
            yield BlobWriter(out, lambda digest, size: self._adopt(path, digest, size))

    def put_bytes(self, data: bytes, media_type: str) -> Descriptor:
        """Store bytes."""
        with self.writer() as blob:
            blob.write(data)
            return blob.commit(media_type)

    def put_stream(self, source: Readable, media_type: str, *, expected: Descriptor | None = None) -> Descriptor:
        """Store a stream up to its end.

        Args:
            source: Where the bytes come from.
            media_type: What they are.
            expected: What they must be; a stream that is longer is not read to its end.

        Raises:
            DigestMismatch: They are not.
        """
        with self.writer() as blob:
            while data := source.read(CHUNK):
                blob.write(data)
                if expected is not None and blob.size > expected.size:
                    break
            if expected is not None:
                _check(expected, blob.digest, blob.size)
            return blob.commit(media_type)

    def put_file(
        self, path: Path, media_type: str, *, expected: Descriptor | None = None, link: bool = False
    ) -> Descriptor:
        """Store a file's content.

        Args:
            path: The file.
            media_type: What it holds.
            expected: What it must hold; when that blob is there already, the file is not read.
            link: Share the file with the store where the file system can, for files that nobody changes any more.

        Raises:
            DigestMismatch: The file holds something else.
        """
        if expected is not None and self.keep(expected):
            return attrs.evolve(expected, media_type=media_type)
        if link and (linked := self._link(path, media_type, expected)):
            return linked
        with path.open("rb", buffering=0) as file:
            return self.put_stream(file, media_type, expected=expected)

    def copy_from(self, other: Blobs, descriptor: Descriptor) -> Descriptor:
        """Take a blob over from another layout, by a hard link where that is possible.

        Raises:
            Missing: The other layout does not hold it.
            DigestMismatch: What it holds is something else.
        """
        try:
            put = self.put_file(other.path(descriptor.digest), descriptor.media_type, expected=descriptor, link=True)
        except FileNotFoundError as error:
            raise Missing(f"{other.root} does not hold the blob {descriptor.digest}") from error
        return attrs.evolve(put, annotations=descriptor.annotations, platform=descriptor.platform)

    def _link(self, path: Path, media_type: str, expected: Descriptor | None) -> Descriptor | None:
        scratch = fresh_path(self.scratch)
        try:
            os.link(path, scratch, follow_symlinks=True)
        except FileNotFoundError:
            raise
        except OSError:
            return None
        try:
            found = Descriptor(media_type=media_type, digest=of_file(scratch), size=scratch.stat().st_size)
            if expected is not None:
                _check(expected, found.digest, found.size)
            self._adopt(scratch, found.digest, found.size)
        finally:
            scratch.unlink(missing_ok=True)
        return found

    def _adopt(self, scratch: Path, digest: Digest, size: int) -> None:
        target = self.path(digest)
        # The lock keeps prune from removing an old blob of this digest after we have seen it.
        with locked(self.lock):
            now = clock.now()
            if not self.has(Descriptor(media_type="", digest=digest, size=size)):
                target.parent.mkdir(parents=True, exist_ok=True)
                scratch.replace(target)
            os.utime(target, (now, now))


def _check(expected: Descriptor, digest: Digest, size: int) -> None:
    if size > expected.size:
        raise DigestMismatch(f"{expected.digest} has more than the {expected.size} bytes that were promised")
    if (digest, size) != (expected.digest, expected.size):
        raise DigestMismatch(f"{size} bytes are {digest} where {expected.size} of {expected.digest} were promised")


class _WriteAll:
    """An unbuffered file that takes all bytes at once; the kernel may take fewer."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes, /) -> int:
        written = self._file.write(data)
        while written < len(data):
            written += self._file.write(memoryview(data)[written:])
        return written
