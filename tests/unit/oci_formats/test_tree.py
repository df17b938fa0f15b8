from __future__ import annotations

import io
import tarfile
from contextlib import nullcontext

import pytest

from cog_oci import whiteouts
from cog_oci.archive_reader import MemberKind
from cog_oci.errors import DigestMismatch, InvalidImage, Missing, UnsafeArchive
from cog_oci.tree import read_tree, tree_of


@pytest.fixture
def tree(kit):
    def make(*layers, **more):
        data = [kit.archive(*layer) for layer in layers]
        return tree_of([lambda layer=layer: nullcontext(io.BytesIO(layer)) for layer in data], **more)

    return make


def raw(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return lambda: nullcontext(io.BytesIO(out.getvalue()))


def test_upper_layers_replace_and_delete(kit, tree):
    found = tree(
        [kit.file("a/x", b"1"), kit.file("a/y", b"2"), kit.file("b/x", b"3"), kit.file("c", b"4"), kit.file("d/e/f")],
        [kit.file("a/x", b"new"), whiteouts.whiteout("a/y"), whiteouts.opaque("b"), kit.file("b/z"), kit.folder("c")],
        [whiteouts.whiteout("d"), kit.file("d/g")],
    )

    assert sorted(path for path, node in found.nodes.items() if node.kind is MemberKind.FILE) == ["a/x", "b/z", "d/g"]
    assert found.nodes["c"].kind is MemberKind.FOLDER
    assert found.read("a/x", 10) == b"new"
    assert found.nodes["a/x"].layer == 1


def test_a_whiteout_concerns_only_lower_layers(kit, tree):
    found = tree(
        [kit.file("a/old"), kit.file("b/old")],
        [whiteouts.whiteout("a"), kit.file("a/new"), whiteouts.opaque("b"), kit.file("b/new")],
    )

    assert found.names("a") == ("new",)
    assert found.names("b") == ("new",)


def test_links_are_followed_inside_the_image(kit, tree):
    found = tree(
        [
            kit.file("usr/bin/python3.13", b"elf", mode=0o755),
            kit.symlink("usr/bin/python3", "python3.13"),
            kit.symlink("bin", "usr/bin"),
            kit.symlink("abs", "/bin/python3"),
            kit.symlink("up", "../../../../bin/../bin/python3"),
            kit.symlink("loop", "loop"),
            kit.symlink("dangling", "nowhere"),
        ]
    )

    for path in ("bin/python3", "/bin/python3", "abs", "up", "usr/../bin/./python3"):
        assert found.resolve(path) == "usr/bin/python3.13"
        assert found.read(path, 10) == b"elf"
    assert found.node("bin/python3").mode == 0o755
    assert "abs" in found
    for path in ("loop", "dangling", "nothing", "usr/bin/python3.13/x"):
        assert path not in found
        with pytest.raises(Missing):
            found.resolve(path)


def test_hard_links_hold_the_content_of_their_file(kit, tree):
    found = tree([kit.file("a", b"content"), kit.hardlink("b", "a")], [whiteouts.whiteout("a")])

    assert found.read("b", 10) == b"content"
    assert "a" not in found


def test_reading_is_bounded_and_only_of_files(kit, tree):
    found = tree([kit.file("a", b"12345"), kit.folder("d")])

    with pytest.raises(InvalidImage, match="more than 4"):
        found.read("a", 4)
    with pytest.raises(Missing, match="no file"):
        found.read("d", 4)
    with pytest.raises(Missing, match="no folder"):
        found.names("a")


def test_files_that_are_kept_are_read_from_memory(kit):
    data, opened = kit.archive(kit.file("etc/passwd", b"root"), kit.file("big", b"x" * 100)), []

    def layer():
        opened.append(1)
        return nullcontext(io.BytesIO(data))

    found = tree_of([layer], keep=lambda path: path.startswith("etc/") or path == "big", limit=50)

    assert found.read("etc/passwd", 100) == b"root"
    assert len(opened) == 1
    assert found.read("big", 100) == b"x" * 100
    assert len(opened) == 2


def test_a_layer_cannot_write_through_a_link(kit):
    lower = raw(("lib", tarfile.SYMTYPE, "usr/lib"))

    with pytest.raises(UnsafeArchive, match="through 'lib'"):
        tree_of([lower, raw(("lib/x", tarfile.REGTYPE, ""))])
    assert tree_of([lower, raw(("lib", tarfile.DIRTYPE, ""), ("lib/x", tarfile.REGTYPE, ""))]).names("lib") == ("x",)


def test_a_hard_link_to_nothing_is_refused():
    with pytest.raises(InvalidImage, match="means 'b'"):
        tree_of([raw(("a", tarfile.LNKTYPE, "b"))])


@pytest.mark.parametrize("gzip", [False, True])
def test_the_tree_of_an_image_is_that_of_its_layers(kit, layout, gzip):
    image = kit.add_image(
        layout, [kit.archive(kit.file("a", b"1")), kit.archive(kit.file("b", b"2"))], compressed=gzip
    )

    found = read_tree(layout, image)

    assert found.names("") == ("a", "b")
    assert found.read("b", 10) == b"2"


@pytest.mark.parametrize("gzip", [False, True])
def test_a_tampered_layer_is_refused(kit, layout, gzip):
    image = kit.add_image(layout, [kit.archive(kit.file("a", b"1" * 1000))], compressed=gzip)
    path = layout.blobs.path(image.manifest.layers[0].digest)
    other = kit.add_image(layout, [kit.archive(kit.file("a", b"2" * 1000))], compressed=gzip)
    path.write_bytes(layout.blobs.path(other.manifest.layers[0].digest).read_bytes())

    with pytest.raises(DigestMismatch):
        read_tree(layout, image)


def test_a_layer_that_is_not_what_the_configuration_says_is_refused(kit, layout):
    layer = kit.archive(kit.file("a"))
    wrong = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}

    for gzip in (False, True):
        with pytest.raises(DigestMismatch, match="promised"):
            read_tree(layout, kit.add_image(layout, [layer], compressed=gzip, config=wrong))
