from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cog_oci import whiteouts
from cog_oci.archive_reader import MemberKind
from cog_oci.entries import Entry, Kind
from cog_oci.errors import DigestMismatch, InvalidImage, UnsafeArchive
from cog_oci.layout import Layout
from cog_oci.safe_folder import remove_folder
from cog_oci.tree import tree_of
from cog_oci.unpack import unpack


def raw(*members: tuple[str, bytes, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            if kind == tarfile.REGTYPE:
                member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
    return out.getvalue()


FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def test_an_image_becomes_files(kit, layout, tmp_path):
    image = kit.add_image(
        layout,
        [
            kit.archive(
                kit.file("bin/tool", b"#!", mode=0o755, mtime=1_000_000_000),
                kit.hardlink("bin/zool", "bin/tool"),
                kit.symlink("sh", "bin/tool"),
                kit.folder("locked", 0o555),
                kit.file("locked/inside", b"1", mode=0o400),
                kit.file("old/gone", b"2"),
                kit.file("emptied/x"),
                kit.file("turns/into/file"),
            ),
            kit.archive(
                whiteouts.whiteout("old/gone"),
                whiteouts.opaque("emptied"),
                kit.file("emptied/y"),
                kit.file("turns", b"file"),
                kit.folder("sh"),
            ),
        ],
        compressed=True,
    )

    unpack(layout, image, root := tmp_path / "root")

    assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (root / "bin/tool").stat().st_mtime == 1_000_000_000
    assert (root / "bin/zool").samefile(root / "bin/tool")
    assert (root / "sh").is_dir()
    assert (root / "locked").stat().st_mode & 0o7777 == 0o555
    assert (root / "locked/inside").stat().st_mode & 0o7777 == 0o400
    assert sorted(path.name for path in (root / "emptied").iterdir()) == ["y"]
    assert (root / "turns").read_bytes() == b"file"
    assert list((root / "old").iterdir()) == []
    assert root.stat().st_mode & 0o7777 == 0o755
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_modes_do_not_depend_on_the_umask(kit, layout, tmp_path):
    image = kit.add_image(layout, [raw(("implied/x", FILE, ""), ("d", FOLDER, ""))])
    old = os.umask(0o077)
    try:
        unpack(layout, image, tmp_path / "root")
    finally:
        os.umask(old)

    assert (tmp_path / "root/implied").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "root/implied/x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "layers",
    [
        [raw(("link", LINK, "OUTSIDE"), ("link/file", FILE, ""))],
        [raw(("link", LINK, "OUTSIDE")), raw(("link/file", FILE, ""))],
        [raw(("a/link", LINK, "../../outside"), ("a/link/file", FILE, ""))],
        [raw(("link", LINK, "OUTSIDE")), raw(("link/new/folder", FOLDER, ""))],
        [raw(("../outside/file", FILE, ""))],
        [raw(("OUTSIDE/file", FILE, ""))],
        [raw(("a", HARD, "OUTSIDE/secret"))],
        [raw(("a", HARD, "../outside/secret"))],
        [raw(("link", LINK, "OUTSIDE"), ("a", HARD, "link/secret"))],
        [raw(("link", LINK, "OUTSIDE"), ("link/a", HARD, "link/secret"))],
        [raw(("link", LINK, "OUTSIDE")), raw((".wh...", FILE, ""))],
        [raw(("./.wh...", FILE, ""))],
        [raw((".", FILE, ""))],
        [raw((".", LINK, "OUTSIDE"))],
    ],
)
def test_nothing_outside_is_written_read_or_deleted(kit, layout, tmp_path, layers):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    layers = [_with_path(layer, str(outside)) for layer in layers]
    image = kit.add_image(layout, layers)

    with pytest.raises(UnsafeArchive):
        unpack(layout, image, tmp_path / "root")

    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"secret": b"secret"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layout", "outside"]


def _with_path(data: bytes, outside: str) -> bytes:
    """Return the archive with a real absolute path in the place of a word."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as source, tarfile.open(fileobj=out, mode="w") as target:
        for member in source:
            member.name = member.name.replace("OUTSIDE", outside)
            member.linkname = member.linkname.replace("OUTSIDE", outside)
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
    return out.getvalue()


@pytest.mark.parametrize("marker", ["link/.wh.secret", "link/.wh..wh..opq"])
def test_whiteouts_do_not_reach_through_links(kit, layout, tmp_path, marker):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    image = kit.add_image(layout, [_with_path(raw(("link", LINK, "OUTSIDE")), str(outside)), raw((marker, FILE, ""))])

    unpack(layout, image, tmp_path / "root")

    assert (outside / "secret").read_bytes() == b"secret"


def test_links_out_of_the_image_are_kept_as_they_are_and_replaced_not_followed(kit, layout, tmp_path):
    (tmp_path / "outside").write_bytes(b"mine")
    image = kit.add_image(
        layout,
        [
            _with_path(raw(("a", LINK, "OUTSIDE"), ("b", LINK, "OUTSIDE")), str(tmp_path / "outside")),
            raw(("a", FILE, "")),
        ],
    )

    unpack(layout, image, tmp_path / "root")

    assert (tmp_path / "root/a").read_bytes() == b"evil"
    assert (tmp_path / "root/b").readlink() == tmp_path / "outside"
    assert (tmp_path / "outside").read_bytes() == b"mine"


def test_devices_are_left_out(kit, layout, tmp_path):
    image = kit.add_image(
        layout, [raw(("null", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, ""), ("f", FILE, ""))]
    )

    unpack(layout, image, tmp_path / "root")

    assert [path.name for path in (tmp_path / "root").iterdir()] == ["f"]


def test_a_folder_that_exists_is_not_touched(kit, layout, image, tmp_path):
    (tmp_path / "root").mkdir()

    with pytest.raises(FileExistsError):
        unpack(layout, image, tmp_path / "root")
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize("gzip", [False, True])
def test_a_tampered_layer_leaves_nothing(kit, layout, tmp_path, gzip):
    image = kit.add_image(layout, [kit.archive(kit.file("a", b"12345"))], compressed=gzip)
    path = layout.blobs.path(image.manifest.layers[0].digest)
    other = kit.add_image(layout, [kit.archive(kit.file("a", b"54321"))], compressed=gzip)
    path.write_bytes(layout.blobs.path(other.manifest.layers[0].digest).read_bytes())

    with pytest.raises(DigestMismatch):
        unpack(layout, image, tmp_path / "root")
    assert [entry.name for entry in tmp_path.iterdir()] == ["layout"]


def test_a_name_that_the_system_cannot_hold_is_a_typed_error(kit, layout, tmp_path):
    for name in ("n" * 300, "n" * 300 + "/x"):
        with pytest.raises(InvalidImage, match="cannot hold"):
            unpack(layout, kit.add_image(layout, [raw((name, FILE, ""))]), tmp_path / "root")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_owners_are_given_only_when_asked_for(kit, layout, tmp_path):
    entries = (kit.file("a", mode=0o4755, uid=1234, gid=5678), Entry(path="l", kind=Kind.SYMLINK, target="a", uid=7))
    image = kit.add_image(layout, [kit.archive(*entries)])

    unpack(layout, image, tmp_path / "theirs", owners=True)
    unpack(layout, image, tmp_path / "mine")

    theirs, mine = (tmp_path / "theirs/a").stat(), (tmp_path / "mine/a").stat()
    assert (theirs.st_uid, theirs.st_gid, stat.S_IMODE(theirs.st_mode)) == (1234, 5678, 0o4755)
    assert (tmp_path / "theirs/l").lstat().st_uid == 7
    assert (mine.st_uid, stat.S_IMODE(mine.st_mode)) == (0, 0o755)


@contextmanager
def _ordinary_user():
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="root lends its place to an ordinary user")
def test_an_ordinary_user_unpacks_and_removes_locked_folders(kit):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        layout = Layout.create(top / "layout")
        layers = [kit.archive(kit.folder("locked", 0o555), kit.folder("locked/deep", 0), kit.file("locked/deep/in"))]
        good = kit.add_image(layout, layers)
        broken = kit.add_image(layout, [*layers, raw(("l", LINK, "/"), ("l/x", FILE, ""))])
        (top / "work").mkdir()
        os.chown(top / "work", 65534, 65534)

        with _ordinary_user():
            unpack(layout, good, root := top / "work/root")
            assert stat.S_IMODE((root / "locked/deep").stat().st_mode) == 0
            with pytest.raises(PermissionError):
                (root / "locked/more").touch()
            remove_folder(root)
            with pytest.raises(UnsafeArchive):
                unpack(layout, broken, root)

        assert list((top / "work").iterdir()) == []


def test_removing_a_folder_that_is_not_there_is_no_error(tmp_path):
    remove_folder(tmp_path / "nothing")


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
members = st.tuples(paths, st.sampled_from(["file", "folder", "link", "gone", "opaque"]))
layers = st.lists(st.lists(members, max_size=5), min_size=1, max_size=3)


@given(layers)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tree_says_what_unpacking_makes(kit, found):
    data = [_layer(kit, layer) for layer in found]
    expected = actual = None
    try:
        nodes = tree_of([lambda layer=layer: nullcontext(io.BytesIO(layer)) for layer in data]).nodes
        expected = {path: node.kind for path, node in nodes.items()}
    except UnsafeArchive:
        pass
    with tempfile.TemporaryDirectory() as top:
        layout = Layout.create(Path(top, "layout"))
        try:
            unpack(layout, kit.add_image(layout, data), Path(top, "root"))
            actual = _listed(Path(top, "root"))
        except UnsafeArchive:
            pass

    assert actual == expected


def _layer(kit, members: list[tuple[str, str]]) -> bytes:
    kept: dict[str, Entry] = {}
    for path, kind in members:
        match kind:
            case "gone":
                entry = whiteouts.whiteout(path)
            case "opaque":
                entry = whiteouts.opaque(path)
            case "folder":
                entry = kit.folder(path)
            case "link":
                entry = kit.symlink(path, "a")
            case _:
                entry = kit.file(path)
        kept[entry.path] = entry
    ordered: list[Entry] = []
    for entry in kept.values():
        with suppress(InvalidImage):
            kit.archive(*ordered, entry)
            ordered.append(entry)
    return kit.archive(*ordered)


def _listed(root: Path) -> dict[str, MemberKind]:
    found = {"": MemberKind.FOLDER}
    for path in root.rglob("*"):
        kind = MemberKind.SYMLINK if path.is_symlink() else MemberKind.FOLDER if path.is_dir() else MemberKind.FILE
        found[str(path.relative_to(root))] = kind
    return found
