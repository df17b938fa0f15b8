from __future__ import annotations

import io
import os
import tarfile

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_oci import digest, whiteouts
from cog_oci.archive_reader import MemberKind, read_members
from cog_oci.entries import Entry, Kind, Slice
from cog_oci.errors import InvalidImage, UnsafeArchive
from cog_oci.layers import pack

names = st.one_of(
    st.sampled_from(["a", "b", "lib", "x" * 99, "y" * 160, "ä", "\udcff", "z" * 255, "a.b", "-"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=6),
).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
modes = st.integers(0, 0o7777)
numbers = st.one_of(st.integers(0, 5), st.integers(0, 2**32 - 2))
times = st.one_of(st.integers(0, 2**31), st.integers(-(2**33), 2**36))
common = {"path": paths, "mode": modes, "uid": numbers, "gid": numbers, "mtime": times}
targets = st.one_of(paths, st.just("/etc/" + "t" * 200), st.just("../up"))
xattrs = st.dictionaries(st.just("user.note"), st.binary(max_size=20), max_size=1).map(lambda x: tuple(x.items()))
entries = st.one_of(
    st.builds(Entry, **common, content=st.binary(max_size=1500), xattrs=xattrs),
    st.builds(Entry, **common, kind=st.just(Kind.FOLDER)),
    st.builds(Entry, **common, kind=st.just(Kind.SYMLINK), target=targets),
)


def consistent(found: list[Entry]) -> list[Entry]:
    """Leave out what lies below something that is no folder."""
    kept: dict[str, Entry] = {}
    for entry in found:
        parents = [entry.path[:cut] for cut, char in enumerate(entry.path) if char == "/"]
        blocked = any(kept[parent].kind is not Kind.FOLDER for parent in parents if parent in kept)
        above = entry.kind is not Kind.FOLDER and any(path.startswith(f"{entry.path}/") for path in kept)
        if not blocked and not above and entry.path not in kept:
            kept[entry.path] = entry
    return list(kept.values())


layers = st.lists(entries, max_size=8).map(consistent)


def packed(found) -> bytes:
    out = io.BytesIO()
    result = pack(found, out, mtime=5)
    assert (result.diff_id, result.size) == (digest.of_bytes(out.getvalue()), len(out.getvalue()))
    return out.getvalue()


@given(layers, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_equal_entries_give_equal_bytes_in_any_order(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)

    assert packed(shuffled) == packed(found)


@given(layers)
@settings(max_examples=50)
def test_what_was_packed_is_read_back(found):
    members = {member.path: (member, content.read()) for member, content in read_members(io.BytesIO(packed(found)))}

    for entry in found:
        member, content = members.pop(entry.path)
        assert member.kind.value == entry.kind.value
        assert (member.mode, member.uid, member.gid, member.mtime) == (entry.mode, entry.uid, entry.gid, entry.mtime)
        assert content == (entry.content if entry.kind is Kind.FILE else b"")
        assert member.target == entry.target
    # Whatever is left are the parents that nobody named.
    assert all((member.mode, member.mtime) == (0o755, 5) for member, _ in members.values())
    assert all(member.kind is MemberKind.FOLDER for member, _ in members.values())


@given(layers)
@settings(max_examples=50)
def test_pythons_own_reader_sees_the_same(found):
    with tarfile.open(fileobj=io.BytesIO(packed(found))) as archive:
        members = {member.name: member for member in archive.getmembers()}
        for entry in found:
            member = members[entry.path]
            assert (member.mode, member.uid, member.gid) == (entry.mode, entry.uid, entry.gid)
            assert int(member.mtime) == entry.mtime
            assert (member.isfile(), member.isdir(), member.issym()) == (
                entry.kind is Kind.FILE,
                entry.kind is Kind.FOLDER,
                entry.kind is Kind.SYMLINK,
            )
            if entry.kind is Kind.FILE:
                assert archive.extractfile(member).read() == entry.content
            else:
                assert member.linkname == entry.target


def test_the_bytes_are_those_of_every_version_before(kit):
    """Digests of layers are in people's registries: a change here is a change of all of them."""
    found = [
        kit.file("src/model.py", b"print(1)\n", mode=0o644, mtime=315_619_200),
        kit.folder("empty"),
        kit.symlink("bin", "usr/bin"),
        kit.hardlink("src/a", "src/model.py"),
        kit.file("long/" + "n" * 200, b"x", uid=3_000_000),
        Entry(path="x", content=b"y", xattrs=(("user.a", b"\0\n"),)),
        kit.file("\u00e4"),
    ]

    assert digest.of_bytes(packed(found)) == (
        "sha256:073a33edcedd6844b1f3f1a9d750caf48e3299f5f0612761e1e36d80cfe152b7"
    )


def test_the_umask_and_the_place_of_the_files_do_not_matter(tmp_path):
    results = []
    for number, mask in enumerate((0o022, 0o077, 0o002)):
        old = os.umask(mask)
        try:
            source = tmp_path / str(number) / "content"
            source.parent.mkdir()
            source.write_bytes(b"same")
            results.append(packed([Entry(path="a/b", content=source)]))
        finally:
            os.umask(old)

    assert len(set(results)) == 1


def test_members_are_sorted_by_bytes_and_parents_come_first(kit):
    data = packed([kit.file("a/b"), kit.file("a.b"), kit.file("a-b"), kit.file("B"), kit.file("\u00e4")])

    assert [member.path for member, _ in read_members(io.BytesIO(data))] == ["B", "a", "a-b", "a.b", "a/b", "\u00e4"]


def test_a_part_of_a_file_is_packed_from_where_it_lies(tmp_path):
    (tmp_path / "big").write_bytes(b"0123456789" * 300_000)
    part = Slice(path=tmp_path / "big", offset=5, size=2_500_000)

    ((_, content),) = [
        (m, c.read_all(1 << 30)) for m, c in read_members(io.BytesIO(packed([Entry(path="p", content=part)])))
    ]

    assert content == (b"0123456789" * 300_000)[5:2_500_005]


def test_a_file_that_became_shorter_is_an_error(tmp_path):
    (tmp_path / "f").write_bytes(b"123")

    with pytest.raises(InvalidImage, match="shorter"):
        packed([Entry(path="p", content=Slice(path=tmp_path / "f", offset=0, size=4))])


def test_a_hard_link_follows_its_file_whichever_name_comes_first(kit):
    first = packed([kit.file("b", b"x", mode=0o600), kit.hardlink("a", "b"), kit.hardlink("c", "b")])
    again = packed([kit.hardlink("b", "a"), kit.file("a", b"x", mode=0o600), kit.hardlink("c", "a")])

    assert first == again
    members = [(m.path, m.kind.value, m.target, m.mode) for m, _ in read_members(io.BytesIO(first))]
    assert members == [("a", "file", "", 0o600), ("b", "hardlink", "a", 0o600), ("c", "hardlink", "a", 0o600)]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([Entry(path="a"), Entry(path="b"), Entry(path="a"), Entry(path="b")], "twice: 'a', 'b'"),
        ([Entry(path="a"), Entry(path="a/b")], "no folder: 'a/b'"),
        ([Entry(path="a", kind=Kind.SYMLINK, target="b"), Entry(path="a/b/c")], "no folder: 'a/b/c'"),
        ([Entry(path="a", kind=Kind.HARDLINK, target="b")], "means 'b'"),
        ([Entry(path="a", kind=Kind.HARDLINK, target="b"), Entry(path="b", kind=Kind.FOLDER)], "means 'b'"),
    ],
)
def test_entries_that_contradict_each_other_are_refused(found, message):
    with pytest.raises(InvalidImage, match=message):
        packed(found)


def test_short_ascii_names_need_no_extended_header(kit):
    assert b"PaxHeader" not in packed([kit.file(f"{'a' * 77}/{'a' * 77}/{'b' * 100}"), kit.symlink("l", "t" * 100)])
    assert b"PaxHeader" in packed([kit.file(f"{'a' * 77}/{'a' * 78}/{'b' * 100}")])
    assert b"PaxHeader" in packed([kit.symlink("l", "t" * 101)])


def test_a_file_of_more_than_8_gib_has_its_size_in_the_extended_header(tmp_path):
    from cog_oci import tar_header
    from cog_oci.archive_reader import Limits

    header = tar_header.encode(Entry(path="weights"), 9 << 30)
    member, _ = next(read_members(io.BytesIO(header), Limits()))

    assert member.size == 9 << 30


def test_the_archive_ends_with_two_blocks_and_nothing_else(kit):
    assert packed([]) == bytes(1024)
    assert len(packed([kit.file("a", b"x")])) == 512 + 512 + 1024


def test_whiteouts_say_what_they_delete():
    assert whiteouts.deleted(whiteouts.whiteout("a/b").path) == "a/b"
    assert whiteouts.deleted(whiteouts.whiteout("b").path) == "b"
    assert whiteouts.opaque_folder(whiteouts.opaque("a/b").path) == "a/b"
    assert whiteouts.opaque_folder(whiteouts.opaque("").path) == ""
    assert whiteouts.deleted(whiteouts.opaque("a").path) is None
    assert whiteouts.deleted("a/b") is None
    assert whiteouts.is_marker("a/.wh..wh.plnk")
    assert not whiteouts.is_marker("a.wh.b")


@pytest.mark.parametrize("path", [".wh...", "a/.wh.."])
def test_a_whiteout_cannot_delete_its_own_folder_or_the_one_above(path):
    with pytest.raises(UnsafeArchive):
        whiteouts.deleted(path)


def test_an_entry_keeps_its_values(kit):
    entry = kit.file("a", b"x")

    assert attrs.evolve(entry, mode=0o755).size == 1
