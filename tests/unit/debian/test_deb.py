from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_backends.oci.debian.ar import BadPackage, read_ar
from cog_backends.oci.debian.deb import Deb
from cog_backends.oci.debian.unpack import is_left_out
from cog_oci.entries import Kind
from tests.unit.debian.kit import ar, deb, info

_LARGE = 1 << 20


def _read(data: bytes, limit: int = _LARGE) -> list[tuple[str, Kind, bytes]]:
    members = Deb(io.BytesIO(data)).members(limit)
    return [(member.path, member.kind, file.read() if file else b"") for member, file in members]


def test_files_folders_and_links_of_a_package_are_read() -> None:
    data = deb(
        (info("./"), b""),
        (info("./usr/bin/x", mode=0o4755), b"program"),
        (info("./usr/bin/y", tarfile.SYMTYPE, "x"), b""),
        (info("./usr/bin/z", tarfile.LNKTYPE, "./usr/bin/x"), b""),
    )

    assert _read(data) == [
        ("usr/bin/x", Kind.FILE, b"program"),
        ("usr/bin/y", Kind.SYMLINK, b""),
        ("usr/bin/z", Kind.HARDLINK, b""),
    ]
    assert Deb(io.BytesIO(data)).control() == {"control": b"Package: p\n"}


@pytest.mark.parametrize(
    "member",
    [
        info("../etc/passwd"),
        info("/etc/passwd"),
        info("./a/../../b"),
        info("./link", tarfile.LNKTYPE, "../../etc/shadow"),
        info("./device", tarfile.CHRTYPE),
        info("./pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: member.name,
)
def test_a_member_that_leaves_the_package_or_is_no_file_is_refused(member: tarfile.TarInfo) -> None:
    with pytest.raises(BadPackage):
        _read(deb((member, b"")))


def test_a_package_that_unpacks_to_more_than_it_says_is_refused() -> None:
    with pytest.raises(BadPackage, match="far more than it says"):
        _read(deb((info("./zeros"), bytes(10 * _LARGE))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"!<arch>\n",
        ar(("debian-binary", b"3.0\n")),
        ar(("debian-binary", b"2.0\n"), ("data.tar.lz4", b"x")),
        ar(*((str(number), b"") for number in range(40))),
        deb()[:-50],
    ],
)
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(BadPackage):
        _read(data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_archive_reader_fail_in_another_way(data: bytes) -> None:
    try:
        members = list(read_ar(io.BytesIO(b"!<arch>\n" + data)))
    except BadPackage:
        return
    assert all(member.offset + member.size <= len(data) + 8 for member in members)


@pytest.mark.parametrize(
    ("path", "kind", "left_out"),
    [
        ("usr/share/man/man1/ls.1.gz", Kind.FILE, True),
        ("usr/share/doc/x/README", Kind.FILE, True),
        ("usr/share/doc/x/copyright", Kind.FILE, False),
        ("usr/share/doc/x", Kind.SYMLINK, False),
        ("usr/share/manual", Kind.FILE, False),
        ("usr/bin/man", Kind.FILE, False),
    ],
)
def test_documentation_is_left_out_but_copyright(path: str, kind: Kind, *, left_out: bool) -> None:
    assert is_left_out(path, kind) is left_out
