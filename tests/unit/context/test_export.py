"""Contexts as archives, byte for byte those of the standard library."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.context import BuildContext, EntryKind, tar_stream
from cog_core.context.export import _header

if TYPE_CHECKING:
    from pathlib import Path

_TYPES = {EntryKind.FILE: tarfile.REGTYPE, EntryKind.FOLDER: tarfile.DIRTYPE, EntryKind.LINK: tarfile.SYMTYPE}
_NAMES = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=120),
    st.text("ab/é", min_size=95, max_size=105),
)


def _expected(name: str, mtime: int, *, mode: int, size: int, kind: EntryKind, target: str) -> bytes:
    member = tarfile.TarInfo(name)
    member.mtime, member.mode, member.size, member.type, member.linkname = mtime, mode, size, _TYPES[kind], target
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


_FACTS = st.fixed_dictionaries(
    {
        "mode": st.integers(0, 0o7777),
        "size": st.one_of(st.integers(0, 2**20), st.sampled_from([8**11 - 1, 8**11, 8**11 + 1])),
        "kind": st.sampled_from(EntryKind),
        "target": st.sampled_from(["", "a", "é", "x" * 101]),
    }
)


@given(name=_NAMES, mtime=st.one_of(st.integers(0, 2**31), st.sampled_from([8**11 - 1, 8**11])), facts=_FACTS)
def test_a_header_is_what_the_standard_library_writes(name, mtime, facts):
    assert _header(name, mtime, **facts) == _expected(name, mtime, **facts)


def test_an_archive_is_read_back_as_it_was(tmp_path: Path):
    (tmp_path / "folder" / "empty").mkdir(parents=True)
    (tmp_path / "folder" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "largeé").write_bytes(b"y" * 3_000_000)
    (tmp_path / "link").symlink_to("folder/file")

    data = b"".join(tar_stream({"": BuildContext(tmp_path)}, {"made": (b"here", 0o755)}, mtime=7))

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {member.name: member for member in archive}
        assert list(found) == ["made", "folder", "folder/empty", "folder/file", "largeé", "link"]
        assert archive.extractfile("folder/file").read() == b"x" * 1000
        assert archive.extractfile("largeé").read() == b"y" * 3_000_000
        assert found["link"].linkname == "folder/file"
        assert {(member.mtime, member.uid, member.gid) for member in archive} == {(7, 0, 0)}


@pytest.mark.parametrize("grown", [b"", b"shorter", b"longer than before"])
def test_a_file_that_changes_meanwhile_keeps_the_length_that_was_announced(tmp_path: Path, grown: bytes):
    (tmp_path / "file").write_bytes(b"0123456789")
    context = BuildContext(tmp_path)
    assert context.entries
    (tmp_path / "file").write_bytes(grown)

    data = b"".join(tar_stream({"": context}, {}, mtime=0))

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.extractfile("file").read() == grown[:10].ljust(10, b"\0")
