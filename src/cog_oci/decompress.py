"""Layers as the plain archives that they hold, whatever compressed them."""

from __future__ import annotations

import importlib
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from isal import igzip, isal_zlib

from cog_oci.digest import CHUNK
from cog_oci.errors import InvalidImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_oci.digest import Readable

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "pyzstd", "zstandard")
_gzip: Any = igzip
_isal_zlib: Any = isal_zlib
_BROKEN = (_isal_zlib.error, zlib.error, EOFError, OSError, ValueError)


def media_suffix(start: bytes) -> str:
    """Return how a layer that starts so is compressed, as OCI's media types end: ``""``, ``+gzip`` or ``+zstd``."""
    if start.startswith(_GZIP):
        return "+gzip"
    return "+zstd" if start.startswith(_ZSTD) else ""


@contextmanager
def plain(source: Readable) -> Iterator[Readable]:
    """Return a stream of the archive in a layer; its first bytes say how it is compressed (RFC 1952, RFC 8878).

    Raises:
        InvalidImage: No module for its compression is installed, or, while reading, the data are damaged.
    """
    raw = _Raw(source)
    with io.BufferedReader(raw, CHUNK) as buffered:
        suffix = media_suffix(buffered.peek(4))
        if suffix == "+gzip":
            with _gzip.IGzipFile(fileobj=buffered, mode="rb") as stream:
                yield _Checked(stream, raw)
        elif suffix == "+zstd":
            with _open_zstd(buffered) as stream:
                yield _Checked(stream, raw)
        else:
            yield buffered


class _Raw(io.RawIOBase):
    """A source in the clothes that :mod:`io` wants; keeps an error of the source apart from damaged data."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        try:
            data = self._source.read(len(view))
        except Exception as error:
            self.failure = error
            raise
        view[: len(data)] = data
        return len(data)


class _Checked:
    """A decompressor whose complaints are ours."""

    def __init__(self, stream: IO[bytes], raw: _Raw) -> None:
        self._stream = stream
        self._raw = raw

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except _BROKEN as error:
            if self._raw.failure is not None:
                raise
            raise InvalidImage(f"a layer's compressed data are damaged: {error}") from error


def _open_zstd(source: IO[bytes]) -> IO[bytes]:
    for name in _ZSTD_MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        opened = module.open(source, "rb")
        return cast("IO[bytes]", opened)
    raise InvalidImage(
        "a layer is compressed with zstd, which this Python cannot read",
        hint="Use Python 3.14, or install the package backports.zstd or zstandard.",
    )
