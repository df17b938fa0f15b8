from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest

from cog_oci import canonical, digest, media
from cog_oci.archive_reader import Limits
from cog_oci.docker_archive import read_archive, write_archive
from cog_oci.errors import DigestMismatch, InvalidImage, InvalidReference, Missing, UnsafeArchive
from cog_oci.layout import Layout
from cog_oci.manifest import Manifest
from cog_oci.reference import Reference

NAMES = (Reference.parse("model:1"), Reference.parse("host.x/model:2"))


def written(layout, image, **options):
    out = io.BytesIO()
    write_archive(layout, image, out, **options)
    return out.getvalue()


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def packed(files, links=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return out.getvalue()


@pytest.fixture
def target(tmp_path):
    return Layout.create(tmp_path / "target")


@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_comes_back_from_its_archive_under_its_names(kit, layout, target, tmp_path, compressed):
    image = kit.add_image(
        layout, [kit.archive(kit.file("a", b"1")), kit.archive(kit.file("b"))], compressed=compressed
    )
    path = tmp_path / "image.tar"
    path.write_bytes(written(layout, image, names=NAMES))

    (found,) = read_archive(path, target)

    assert found.names == ("docker.io/library/model:1", "host.x/model:2")
    for name in found.names:
        assert target.image(name).manifest == image.manifest
        assert target.image(name).diff_ids == image.diff_ids


def test_equal_images_and_names_make_equal_archives(layout, image):
    assert written(layout, image, names=NAMES) == written(layout, image, names=NAMES)
    assert written(layout, image) != written(layout, image, names=NAMES)


def test_an_image_without_a_name_stays_without(layout, image, target):
    (found,) = read_archive(io.BytesIO(written(layout, image)), target)

    assert found.names == ()
    assert target.image().image_id == image.image_id


def test_the_archive_is_what_docker_reads(layout, image):
    files = members(written(layout, image, names=NAMES))
    (listed,) = json.loads(files["manifest.json"])

    assert listed["RepoTags"] == ["model:1", "host.x/model:2"]
    assert digest.of_bytes(files[listed["Config"]]) == image.image_id
    assert [digest.of_bytes(files[path]) for path in listed["Layers"]] == list(image.diff_ids)


@pytest.mark.parametrize("count", [1, 2])
def test_layers_that_the_daemon_has_are_left_out(layout, image, count):
    files = members(written(layout, image, known=[*image.diff_ids[:count], "sha256:" + "0" * 64]))
    (listed,) = json.loads(files["manifest.json"])

    assert [path in files for path in listed["Layers"]] == [False] * count + [True] * (2 - count)
    assert listed["Config"] in files
    assert "index.json" not in files


def test_a_layer_above_another_base_is_sent(layout, image):
    files = members(written(layout, image, known=[image.diff_ids[1], image.diff_ids[0]]))

    assert all(path in files for path in json.loads(files["manifest.json"])[0]["Layers"])


def test_a_damaged_blob_breaks_the_archive_off(layout, image):
    layer = image.manifest.layers[0]
    layout.blobs.path(layer.digest).write_bytes(bytes(layer.size))

    with pytest.raises(DigestMismatch):
        written(layout, image)


def docker_saved(kit, *, compressed=False):
    """Return the files of an archive as old versions of docker save write it."""
    layers = {f"{n}" * 64: kit.archive(kit.file(name)) for n, name in enumerate("ab")}
    rootfs = {"type": "layers", "diff_ids": [digest.of_bytes(layer) for layer in layers.values()]}
    config = canonical.dump({"architecture": "amd64", "os": "linux", "rootfs": rootfs})
    path = f"{digest.encoded(digest.of_bytes(config))}.json"
    files = {path: config}
    for name, layer in layers.items():
        files |= {f"{name}/VERSION": b"1.0", f"{name}/json": b"{}"}
        files[f"{name}/layer.tar"] = gzip.compress(layer) if compressed else layer
    listed = [{"Config": path, "RepoTags": ["model:1"], "Layers": [f"{name}/layer.tar" for name in layers]}]
    return files | {"manifest.json": canonical.dump(listed), "repositories": b"{}"}


@pytest.mark.parametrize("compressed", [False, True])
def test_the_format_of_older_engines_is_read(kit, target, compressed):
    files = docker_saved(kit, compressed=compressed)

    (found,) = read_archive(io.BytesIO(packed(files)), target)

    image = target.image("model:1")
    assert image.descriptor.digest == found.descriptor.digest
    kinds = {layer.media_type for layer in image.manifest.layers}
    assert kinds == {media.OCI_LAYER_GZIP if compressed else media.OCI_LAYER}


def test_a_compressed_archive_and_links_between_its_layers_are_read(kit, target):
    files = docker_saved(kit)
    first, second = (name for name in files if name.endswith("layer.tar"))
    config = json.loads(next(iter(files.values())))
    config["rootfs"]["diff_ids"][1] = config["rootfs"]["diff_ids"][0]
    files[next(iter(files))] = canonical.dump(config)
    del files[second]

    read_archive(io.BytesIO(gzip.compress(packed(files, [(second, f"../{first}")]))), target)

    assert len(set(target.image("model:1").manifest.layers)) == 1


def broken(kit, **changes):
    files = docker_saved(kit)
    (listed,) = json.loads(files["manifest.json"])
    return files | {"manifest.json": canonical.dump([listed | changes])}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"Config": "nothing"}, Missing),
        ({"Config": "../../etc/passwd"}, UnsafeArchive),
        ({"Layers": None}, InvalidImage),
        ({"Layers": []}, InvalidImage),
        ({"RepoTags": "model"}, InvalidImage),
        ({"RepoTags": ["MODEL"]}, InvalidReference),
        ({"Layers": ["1" * 64 + "/layer.tar", "0" * 64 + "/layer.tar"]}, DigestMismatch),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_and_nothing_is_named(kit, target, changes, error):
    with pytest.raises(error):
        read_archive(io.BytesIO(packed(broken(kit, **changes))), target)
    assert target.images() == ()


@pytest.mark.parametrize("name", ["../evil", "/abs/../../evil", "a/../../b"])
def test_paths_out_of_the_archive_are_refused(target, tmp_path, name):
    with pytest.raises(UnsafeArchive):
        read_archive(io.BytesIO(packed({name: b"x"})), target)


def test_a_tampered_layer_is_refused(kit, layout, image, target):
    files = members(written(layout, image))
    files[f"blobs/sha256/{digest.encoded(image.diff_ids[0])}"] = kit.archive(kit.file("evil"))

    with pytest.raises(DigestMismatch):
        read_archive(io.BytesIO(packed(files)), target)
    assert target.images() == ()


def test_a_compressed_layer_that_is_not_the_promised_one_is_refused(kit, target):
    files = docker_saved(kit, compressed=True)
    files["0" * 64 + "/layer.tar"] = gzip.compress(kit.archive(kit.file("evil")))

    with pytest.raises(DigestMismatch, match="promised"):
        read_archive(io.BytesIO(packed(files)), target)


def test_links_in_a_circle_end(kit, target):
    files = docker_saved(kit)
    first = next(name for name in files if name.endswith("layer.tar"))
    del files[first]

    with pytest.raises(Missing):
        read_archive(io.BytesIO(packed(files, [(first, "../round"), ("round", first)])), target)


def test_limits_are_kept(layout, image, target):
    with pytest.raises(InvalidImage):
        read_archive(io.BytesIO(written(layout, image)), target, limits=Limits(total=100))


@pytest.mark.parametrize(
    ("files", "hint"), [({"a": b""}, "archive of an image"), ({"repositories": b"{}"}, "before 1.10")]
)
def test_what_holds_no_image_is_refused_with_a_hint(target, files, hint):
    with pytest.raises(InvalidImage, match="neither") as caught:
        read_archive(io.BytesIO(packed(files)), target)
    assert hint in caught.value.hint


def test_several_images_share_their_layers(kit, layout, target):
    files = docker_saved(kit)
    listed = json.loads(files["manifest.json"])
    listed.append({**listed[0], "RepoTags": ["other:2", "model:3"]})
    files["manifest.json"] = canonical.dump(listed)

    read_archive(io.BytesIO(packed(files)), target)

    assert {name for name, _ in target.images()} == {
        f"docker.io/library/{name}" for name in ("model:1", "other:2", "model:3")
    }


def test_dockers_own_media_types_in_an_oci_archive_are_kept(kit, layout, target):
    image = kit.add_image(layout, [])
    docker = Manifest(config=image.manifest.config, layers=(), media_type=media.DOCKER_MANIFEST)
    data = written(layout, layout.image(layout.put_manifest(docker)), names=NAMES[:1])

    (found,) = read_archive(io.BytesIO(data), target)

    assert found.descriptor.media_type == media.DOCKER_MANIFEST
