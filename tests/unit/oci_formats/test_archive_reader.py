from __future__ import annotations

import gzip
import io
import sys
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_oci.archive_reader import Limits, MemberKind, read_members
from cog_oci.decompress import plain
from cog_oci.errors import InvalidImage, OciError, UnsafeArchive


def tar(*members: tarfile.TarInfo | tuple[str, bytes], style: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=style) as archive:
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
            else:
                archive.addfile(member)
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def read(data: bytes, limits: Limits | None = None) -> list[tuple[str, str, bytes]]:
    found = read_members(io.BytesIO(data), limits or Limits())
    return [(member.path, member.kind.value, content.read_all(1 << 30)) for member, content in found]


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_all_common_formats_are_read(style):
    long = "n" * 90 + "/" + "m" * 90
    data = tar(("./a/./b", b"content"), (long, b"x" * 600), info("d/", tarfile.DIRTYPE), style=style)

    assert read(data) == [("a/b", "file", b"content"), (long, "file", b"x" * 600), ("d", "folder", b"")]


@pytest.mark.parametrize("style", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_targets_and_large_numbers_are_read(style):
    link = info("l" * 300, tarfile.SYMTYPE, "t" * 300)
    link.uid, link.mtime = 3_000_000_000, 2**34
    ((member, _),) = read_members(io.BytesIO(tar(link, style=style)))

    assert (member.path, member.target, member.kind) == ("l" * 300, "t" * 300, MemberKind.SYMLINK)
    assert (member.uid, member.mtime) == (3_000_000_000, 2**34)


@pytest.mark.parametrize(
    "member",
    [
        ("../a", b""),
        ("a/../../b", b""),
        ("/etc/passwd", b""),
        ("a/..", b""),
        info("a", tarfile.LNKTYPE, "../b"),
        info("a", tarfile.LNKTYPE, "/etc/passwd"),
        info("..", tarfile.DIRTYPE),
    ],
)
def test_names_that_leave_the_archive_are_refused(member):
    with pytest.raises(UnsafeArchive, match="outside"):
        read(tar(member))


def test_what_follows_the_end_is_read_and_ignored():
    source = io.BytesIO(tar(("a", b"")) + b"rest" * 1000)

    assert [member.path for member, _ in read_members(source)] == ["a"]
    assert source.read() == b""


def test_a_missing_end_is_no_error_but_a_cut_member_is():
    whole = tar(("a", b"x" * 700))

    assert read(whole[:1536])[0][0] == "a"
    assert read(whole[: 512 + 700])[0][0] == "a"
    for cut in (100, 600, 1100):
        with pytest.raises(InvalidImage, match=r"early|no tar archive"):
            read(whole[:cut])


@pytest.mark.parametrize("kind", [b"S", b"M", b"V", b"D", b"?"])
def test_types_that_layers_do_not_have_are_refused(kind):
    with pytest.raises(InvalidImage, match="unknown type"):
        read(tar(info("a", kind)))


def test_sparse_files_are_refused():
    member = info("a")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": "1000000000000"}

    with pytest.raises(InvalidImage, match="unknown type"):
        read(tar(member))


def test_devices_are_devices():
    assert [kind for _, kind, _ in read(tar(info("a", tarfile.CHRTYPE), info("b", tarfile.FIFOTYPE)))] == [
        "device"
    ] * 2


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (Limits(members=2), tar(*((str(number), b"") for number in range(3)))),
        (Limits(name=10), tar(("a" * 11, b""))),
        (Limits(name=10), tar(info("a", tarfile.SYMTYPE, "b" * 11))),
        (Limits(depth=3), tar(("a/b/c/d/e", b""))),
        (Limits(total=10), tar(("a", b"123456"), ("b", b"123456"))),
        (Limits(extra=100), tar(("a" * 300, b""))),
    ],
)
def test_limits_are_kept(limits, data):
    read(data)
    with pytest.raises(InvalidImage):
        read(data, limits)


def test_a_header_that_promises_a_huge_name_does_not_fill_the_memory():
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30

    with pytest.raises(InvalidImage, match="extended header has"):
        read(header.tobuf(tarfile.GNU_FORMAT))


@pytest.mark.parametrize("record", ["size", "uid", "gid"])
@pytest.mark.parametrize("value", ["-1", "abc", "9" * 30, ""])
def test_numbers_that_make_no_sense_are_refused_or_left_out(record, value):
    member = info("a")
    member.pax_headers = {record: value}

    if value:
        with pytest.raises(InvalidImage):
            read(tar(member))
    else:
        assert read(tar(member)) == [("a", "file", b"")]


@given(st.binary(max_size=600), st.integers(0, 2000), st.binary(min_size=1, max_size=8))
@settings(max_examples=200)
def test_damaged_archives_are_typed_errors(junk, at, patch):
    whole = bytearray(tar(("a/b" + "c" * 120, b"content"), info("l", tarfile.SYMTYPE, "t")))
    whole[at : at + len(patch)] = patch
    for data in (bytes(whole), junk, bytes(whole) + junk):
        with suppress(OciError):
            read(data, Limits(total=1 << 20))


def test_compression_is_recognised_by_the_first_bytes():
    data = tar(("a", b"content" * 100))
    for source in (data, gzip.compress(data), gzip.compress(data[:700]) + gzip.compress(data[700:])):
        with plain(io.BytesIO(source)) as archive:
            assert [member.path for member, _ in read_members(archive)] == ["a"]


def drain(archive):
    while archive.read(100):
        pass


def test_damaged_compression_is_a_typed_error():
    whole = gzip.compress(tar(("a", bytes(range(256)) * 100)))
    for data in (whole[:-8], whole[:40], whole[:-4] + b"1234", whole[:20] + b"\xff" * 50 + whole[70:]):
        with plain(io.BytesIO(data)) as archive, pytest.raises(InvalidImage):
            drain(archive)


def test_an_error_of_the_source_is_not_taken_for_damage():
    class Failing:
        def __init__(self) -> None:
            self.data = io.BytesIO(gzip.compress(bytes(range(256)) * 10)[:50])

        def read(self, size: int = -1, /) -> bytes:
            if data := self.data.read(size):
                return data
            raise ConnectionError("gone")

    with plain(Failing()) as archive, pytest.raises(ConnectionError):
        drain(archive)


def test_zstd_without_a_module_says_what_to_install():
    try:
        import zstandard  # noqa: F401  only whether it is there
    except ImportError:
        if sys.version_info >= (3, 14):
            pytest.skip("this Python reads zstd")
        with pytest.raises(InvalidImage, match="zstd") as caught, plain(io.BytesIO(b"\x28\xb5\x2f\xfd....")):
            pass
        assert "zstandard" in caught.value.hint
    else:
        pytest.skip("zstandard is installed")
