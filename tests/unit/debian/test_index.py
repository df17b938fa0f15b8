"""The database that is made of a package index."""

from __future__ import annotations

import io
import lzma
import resource
from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.index import write_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INDEX = "\n".join(f"Package: p{number}\nVersion: 1\nDepends: {'x' * 500}\n" for number in range(1000))


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """Let files grow to 64 KiB only, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("no_large_files")
def test_a_disk_without_room_is_an_error_of_the_disk_and_nothing_is_left(tmp_path: Path) -> None:
    source = io.BytesIO(lzma.compress(INDEX.encode()))

    with pytest.raises(OSError, match=r"full|disk I/O error"):
        write_index(source, tmp_path / "index.sqlite", limit=1 << 30)

    assert list(tmp_path.iterdir()) == []
