"""What is in a Debian package: control files, and files with their owners and modes (deb(5))."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import lzma
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Final, cast

import attrs

from cog_backends.oci.debian.ar import ArMember, BadPackage, Window, read_ar
from cog_oci.entries import Kind
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_CONTROL: Final = 64 << 20
"""Most bytes of control files; the largest in Debian have a few megabytes of checksums and symbols."""

_BUFFER: Final = 1 << 18
_KINDS: Final = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
}
_DAMAGED: Final = (
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    UnicodeError,
    OverflowError,
)


@attrs.frozen(kw_only=True)
class Member(Frozen):
    """A file, folder or link of a package.

    Attributes:
        path: Relative to the root, as the package has it.
        kind: What it is.
        mode: Permission bits.
        uid: Numeric owner.
        gid: Numeric group.
        size: Bytes of a file's content.
        target: What a symbolic link says; the path, relative to the root, that a hard link means.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    target: str = ""


class Deb:
    """An open Debian package."""

    def __init__(self, file: IO[bytes]) -> None:
        """Find the parts of a package.

        Args:
            file: Open for reading and seeking; it stays the caller's.

        Raises:
            BadPackage: It is no Debian package of format 2.
        """
        self._file = file
        self._parts = {member.name: member for member in read_ar(file)}
        version = self._parts.get("debian-binary")
        if version is None or not Window(file, version).read(4).startswith(b"2."):
            raise BadPackage("not a Debian package of format 2")

    def control(self) -> Mapping[str, bytes]:
        """Return the control files by name: ``control``, ``postinst``, ``md5sums`` and so on.

        Raises:
            BadPackage: The part is damaged or too large.
        """
        with self._tar("control.tar", MAX_CONTROL) as tar:
            return {
                info.name.removeprefix("./"): file.read()
                for info in tar
                if info.isreg() and (file := tar.extractfile(info)) is not None
            }

    def members(self, limit: int) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """Yield the package's files in its order, each with its content while it is the current one.

        Args:
            limit: Most bytes that the decompressed archive may have.

        Raises:
            BadPackage: The part is damaged or too large, or holds what a package may not hold.
        """
        with self._tar("data.tar", limit) as tar:
            for info in tar:
                member = _member(info)
                if member is not None:
                    yield member, tar.extractfile(info) if member.kind is Kind.FILE else None

    @contextlib.contextmanager
    def _tar(self, name: str, limit: int) -> Iterator[tarfile.TarFile]:
        part = next((part for known, part in self._parts.items() if known.startswith(name)), None)
        if part is None:
            raise BadPackage(f"a package without {name}")
        try:
            with _decompressed(self._file, part) as file:
                source = cast("IO[bytes]", _Bounded(file, limit))
                with tarfile.open(fileobj=source, mode="r|", bufsize=_BUFFER, errors="surrogateescape") as tar:
                    yield tar
        except _DAMAGED as error:
            raise BadPackage(f"{part.name} is damaged: {error}") from error


def _decompressed(file: IO[bytes], part: ArMember) -> IO[bytes]:
    window = cast("IO[bytes]", io.BufferedReader(Window(file, part), _BUFFER))
    match part.name.partition(".tar")[2]:
        case "":
            return window
        case ".gz":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=window))
        case ".xz":
            return lzma.open(window)
        case ".zst":
            return _zstd(window)
        case _:
            raise BadPackage(f"{part.name}: unknown compression")


def _zstd(window: IO[bytes]) -> IO[bytes]:
    """Open Zstandard data with the standard library (Python 3.14), or with the package ``zstandard``."""
    for name, opener in (("compression.zstd", "ZstdFile"), ("zstandard", "open")):
        with contextlib.suppress(ImportError):
            return cast("IO[bytes]", getattr(importlib.import_module(name), opener)(window))
    raise BadPackage(
        "the package is compressed with Zstandard, which this Python cannot read",
        hint="Install the Python package zstandard, or run on Python 3.14.",
    )


class _Bounded:
    """A stream that refuses to give more than it was expected to."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._left = limit

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadPackage("the package unpacks to far more than it says")
        return data


def _member(info: tarfile.TarInfo) -> Member | None:
    path = _inside(info.name)
    if not path:
        return None
    kind = _KINDS.get(info.type)
    if kind is None:
        raise BadPackage(f"{info.name!r} is neither file nor folder nor link")
    return Member(
        path=path,
        kind=kind,
        mode=info.mode & 0o7777,
        uid=info.uid,
        gid=info.gid,
        size=info.size if kind is Kind.FILE else 0,
        target=_inside(info.linkname) if kind is Kind.HARDLINK else info.linkname if kind is Kind.SYMLINK else "",
    )


def _inside(name: str) -> str:
    """Return a clean relative path; empty for the root itself."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise BadPackage(f"{name!r} leads out of the package")
    return "/".join(parts)
