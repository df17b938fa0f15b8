"""The cache folder: files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Store(Frozen):
    """Where things are kept between builds; every file can be made again, so that deleting any of them is safe.

    Attributes:
        folder: Belongs to this package alone.
    """

    folder: Path

    def release(self, key: str) -> Path:
        """Return the place of a signed list of a suite; the file's time says when it was fetched."""
        return self.folder / "lists" / f"{key}.InRelease"

    def index(self, key: str, digest: str) -> Path:
        """Return the place of a parsed package index, named by what it was made from."""
        return self.folder / "lists" / f"{key}.{digest}.sqlite"

    def deb(self, digest: str) -> Path:
        """Return the place of a package file with this SHA-256."""
        return self.folder / "debs" / digest[:2] / f"{digest}.deb"

    def content(self, digest: str) -> Path:
        """Return the place of the files of an unpacked package, one after the other."""
        return self.folder / "unpacked" / digest[:2] / f"{digest}.data"

    def members(self, digest: str) -> Path:
        """Return the place of the description of an unpacked package; it is written last."""
        return self.folder / "unpacked" / digest[:2] / f"{digest}.json"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its place when the block ends, and vanishes when the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
