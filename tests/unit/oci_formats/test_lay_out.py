"""Entries in a folder are the files that their layer would give."""

from __future__ import annotations

import os
import stat

import pytest

from cog_oci.entries import Entry, Kind, Slice
from cog_oci.errors import InvalidImage
from cog_oci.lay_out import lay_out


def test_files_folders_and_links_are_written_with_modes_and_times(tmp_path):
    (tmp_path / "content").write_bytes(b"0123456789")
    entries = [
        Entry(path="a/deep/program", mode=0o755, content=b"#!/bin/sh\n", mtime=7),
        Entry(path="a/part", content=Slice(path=tmp_path / "content", offset=2, size=3), mtime=8),
        Entry(path="a/copied", mode=0o600, content=tmp_path / "content", mtime=9),
        Entry(path="a/closed", kind=Kind.FOLDER, mode=0o500, mtime=10),
        Entry(path="a/closed/file", content=b"in", mtime=11),
        Entry(path="a/link", kind=Kind.SYMLINK, mode=0o777, target="../nowhere", mtime=12),
        Entry(path="b", kind=Kind.HARDLINK, target="a/copied", mtime=13),
    ]

    lay_out(entries, tmp_path / "tree", mtime=5)

    root = tmp_path / "tree"
    found = {str(path.relative_to(root)): path.lstat() for path in root.rglob("*")}
    assert {name: (stat.S_IMODE(info.st_mode), int(info.st_mtime)) for name, info in found.items()} == {
        "a": (0o755, 5),
        "a/closed": (0o500, 10),
        "a/closed/file": (0o644, 11),
        "a/copied": (0o600, 9),
        "a/deep": (0o755, 5),
        "a/deep/program": (0o755, 7),
        "a/link": (0o777, 12),
        "a/part": (0o644, 8),
        "b": (0o600, 9),
    }
    assert (root / "a/part").read_bytes() == b"234"
    assert (root / "b").samefile(root / "a/copied")
    assert os.readlink(root / "a/link") == "../nowhere"  # noqa: PTH115 - Path would tidy the target


def test_what_is_done_to_the_folder_does_not_reach_the_sources(tmp_path):
    (tmp_path / "content").write_bytes(b"mine")

    lay_out([Entry(path="a", content=tmp_path / "content")], tmp_path / "tree", mtime=5)
    (tmp_path / "tree" / "a").write_bytes(b"changed")

    assert (tmp_path / "content").read_bytes() == b"mine"


def test_a_folder_that_is_there_and_entries_that_clash_are_refused(tmp_path):
    (tmp_path / "tree").mkdir()

    with pytest.raises(FileExistsError):
        lay_out([], tmp_path / "tree", mtime=5)
    with pytest.raises(InvalidImage):
        lay_out([Entry(path="a"), Entry(path="a/b")], tmp_path / "other", mtime=5)
