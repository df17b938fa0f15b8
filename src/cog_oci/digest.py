"""SHA-256 digests as registries write them, and streams that compute them on the way."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NewType, Protocol

from cog_oci.errors import InvalidImage

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from typing_extensions import Self

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hexadecimal digits in lower case (OCI image specification, "Digests")."""

CHUNK = 1 << 20
"""Bytes that are read, hashed and written at once."""

_FORM = re.compile(r"sha256:[0-9a-f]{64}")
_WORTH_A_THREAD = 1 << 18


class Readable(Protocol):
    """Anything that gives bytes; ``b""`` at its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; all of them when it is negative."""
        ...


class Writable(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take all of the bytes."""
        ...


def parse(text: object) -> Digest:
    """Return the digest that a text is.

    Raises:
        InvalidImage: It is none, or its algorithm is not sha256.
    """
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        raise InvalidImage(f"not a sha256 digest: {str(text)[:100]!r}")
    return Digest(text)


def of_bytes(data: bytes) -> Digest:
    """Return the digest of bytes."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def of_file(path: Path) -> Digest:
    """Return the digest of a file's content."""
    with path.open("rb", buffering=0) as file:
        reader = HashingReader(file)
        while reader.read(CHUNK):
            pass
    return reader.digest


def encoded(digest: Digest) -> str:
    """Return the hexadecimal part."""
    return digest.partition(":")[2]


class HashingReader:
    """Reads from another stream and knows the digest of what has passed."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes of the source."""
        data = self._source.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> Digest:
        """Digest of all bytes so far."""
        return Digest("sha256:" + self._hash.hexdigest())


class HashingWriter:
    """Writes to another stream and knows the digest of what has passed.

    Large pieces are hashed by a thread of its own while they are written, which is close to twice as fast; so it is
    a context manager.
    """

    def __init__(self, out: Writable) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Write all of the bytes."""
        self._settle()
        if len(data) < _WORTH_A_THREAD:
            self._hash.update(data)
        else:
            self._thread = self._thread or _one_thread()
            self._pending = self._thread.submit(self._hash.update, data)
        self._out.write(data)
        self.size += len(data)
        return len(data)

    @property
    def digest(self) -> Digest:
        """Digest of all bytes so far."""
        self._settle()
        return Digest("sha256:" + self._hash.hexdigest())

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._settle()
        if self._thread is not None:
            self._thread.shutdown()


def _one_thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - slow to load, and small layers need none

    return ThreadPoolExecutor(1, "sha256")
