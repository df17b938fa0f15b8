from __future__ import annotations

import io
import json
import subprocess
import tarfile

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci import canonical, digest, media, whiteouts
from cog_oci.compress import CompressedLayers, gzip
from cog_oci.decompress import plain
from cog_oci.errors import DigestMismatch, InvalidImage, Missing
from cog_oci.images import copy_image, write_image, write_layer
from cog_oci.layout import Layout
from cog_oci.manifest import Index
from cog_oci.platform import Platform


def config_of(*layers, **more):
    rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in layers]}
    return canonical.dump({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs, **more})


def test_layers_and_a_configuration_become_an_image(kit, layout):
    layers = [write_layer(layout, [kit.file("a", b"1")]), write_layer(layout, [kit.file("b", b"2")])]
    config = config_of(*layers)

    image = write_image(layout, config, layers, name="host.x/model:1", annotations=(("k", "v"),))

    assert image.image_id == digest.of_bytes(config)
    assert image.diff_ids == tuple(layer.digest for layer in layers)
    assert layout.image("host.x/model:1").manifest == image.manifest
    assert image.manifest.annotations == (("k", "v"),)


def test_equal_parts_make_equal_images_in_any_layout(kit, tmp_path):
    def make(root):
        layout = Layout.create(root)
        layer = write_layer(layout, [kit.file("a", b"1")], mtime=7)
        return write_image(layout, config_of(layer), [layer])

    assert make(tmp_path / "one") == make(tmp_path / "two")


def test_a_configuration_about_other_layers_is_refused_and_nothing_is_listed(kit, layout):
    one, two = write_layer(layout, [kit.file("a")]), write_layer(layout, [kit.file("b")])

    with pytest.raises(InvalidImage, match=r"another number of layers \(2\) than its configuration \(1\)"):
        write_image(layout, config_of(one), [one, two])
    with pytest.raises(DigestMismatch, match="promises"):
        write_image(layout, config_of(two), [one])
    gone = attrs.evolve(one, digest=digest.of_bytes(b"gone"))
    with pytest.raises(Missing):
        write_image(layout, config_of(gone), [gone])
    assert layout.images() == ()


@pytest.mark.parametrize("which", ["a", None])
def test_an_image_is_copied_whole(layout, image, tmp_path, which):
    layout.tag("a", image.descriptor)
    target = Layout.create(tmp_path / "copy")

    copied = copy_image(layout, which, target, name="b:1")

    assert (copied.descriptor, copied.manifest, copied.config) == (image.descriptor, image.manifest, image.config)
    assert [name for name, _ in target.images()] == ["b:1"]
    assert all(target.blobs.read(blob, limit=1 << 20) for blob in image.manifest.children)


def test_only_the_image_of_the_platform_is_copied(kit, layout, image, tmp_path):
    arm = kit.add_image(layout, [], config={"architecture": "arm64"})
    index = Index(
        manifests=(
            attrs.evolve(image.descriptor, platform=Platform()),
            attrs.evolve(arm.descriptor, platform=Platform("linux", "arm64")),
        )
    )
    layout.tag("both", layout.put_manifest(index))
    target = Layout.create(tmp_path / "copy")

    copied = copy_image(layout, "both", target, platform=Platform("linux", "arm64"))

    assert copied.image_id == arm.image_id
    assert target.find().digest == arm.descriptor.digest
    assert not target.blobs.has(image.descriptor)


def test_a_damaged_blob_is_not_copied(layout, image, tmp_path):
    path = layout.blobs.path(image.manifest.layers[1].digest)
    path.write_bytes(bytes(path.stat().st_size))
    target = Layout.create(tmp_path / "copy")

    with pytest.raises(DigestMismatch):
        copy_image(layout, image.descriptor, target)
    assert target.images() == ()
    assert not list(target.blobs.scratch.iterdir())


def squeezed(data: bytes, step: int = 0) -> bytes:
    class Slow:
        source = io.BytesIO(data)

        def read(self, size=-1, /):
            return self.source.read(min(size, step) if step else size)

    out = io.BytesIO()
    gzip(Slow(), out)
    return out.getvalue()


@given(st.binary(max_size=4000), st.integers(1, 999))
def test_compressed_bytes_depend_on_the_content_alone(data, step):
    out = squeezed(data)

    assert out == squeezed(data, step)
    with plain(io.BytesIO(out)) as source:
        assert source.read(len(data) + 1) == data


def test_large_layers_compress_to_the_same_bytes_whatever_the_pieces_are():
    data = bytes(range(256)) * 9000 + b"x" * 300_000

    assert len({squeezed(data), squeezed(data, 65_537), squeezed(data, digest.CHUNK - 1)}) == 1
    assert squeezed(data)[4:8] == bytes(4)  # no time in the header


def test_a_layer_is_compressed_once_and_remembered_without_its_bytes(layout, image, tmp_path):
    cache = CompressedLayers(tmp_path / "compressed")
    layer, diff_id = image.manifest.layers[1], image.diff_ids[1]
    assert cache.known(diff_id) is None

    made = cache.make(layout, layer, diff_id)
    layout.blobs.path(layer.digest).unlink()

    assert made.media_type == media.OCI_LAYER_GZIP
    assert cache.make(layout, layer, diff_id) == made == cache.known(diff_id)
    cache.blobs.path(made.digest).unlink()
    assert cache.known(diff_id) == made
    with pytest.raises(Missing):
        cache.make(layout, layer, diff_id)


def test_a_damaged_memory_of_compressed_layers_is_forgotten(layout, image, tmp_path):
    cache = CompressedLayers(tmp_path / "compressed")
    made = cache.make(layout, image.manifest.layers[0], image.diff_ids[0])
    for record in cache.root.glob("*.json"):
        record.write_bytes(b"[]")

    assert cache.known(image.diff_ids[0]) is None
    assert cache.make(layout, image.manifest.layers[0], image.diff_ids[0]) == made


def test_compressing_ends_when_asked_and_leaves_nothing(layout, image, tmp_path):
    cache = CompressedLayers(tmp_path / "compressed")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.make(layout, image.manifest.layers[0], image.diff_ids[0], check=stop)
    assert not list(cache.blobs.scratch.iterdir())
    assert cache.known(image.diff_ids[0]) is None


@given(st.sampled_from(["", "a", "a/b", "ä/.x"]), st.sampled_from(["c", ".wh", "x.wh.", "ä"]))
def test_a_whiteout_says_again_what_it_deletes(folder, name):
    path = f"{folder}/{name}" if folder else name

    entry = whiteouts.whiteout(path)

    assert whiteouts.deleted(entry.path) == path
    assert whiteouts.is_marker(entry.path)
    assert whiteouts.opaque_folder(entry.path) is None
    assert whiteouts.opaque_folder(whiteouts.opaque(folder).path) == folder
    assert whiteouts.deleted(whiteouts.opaque(folder).path) is None


@given(st.sampled_from(sorted(value for name, value in vars(media).items() if name.startswith(("OCI_", "DOCKER_")))))
def test_ocis_names_stay_and_all_others_lead_to_them(media_type):
    found = media.to_oci(media_type)

    assert found.startswith("application/vnd.oci.image.")
    assert media.to_oci(found) == found


@given(st.text(max_size=50))
def test_an_unknown_media_type_stays_as_it_is(text):
    assert media.to_oci(text) == text
    assert not media.is_plain_layer(text)


@pytest.mark.engine("skopeo")
def test_a_stranger_reads_a_layout_that_was_written_here(kit, layout, tmp_path):
    layer = write_layer(
        layout, [kit.folder("d"), kit.file("d/a", b"1"), kit.symlink("l", "d/a"), kit.hardlink("m", "d/a")]
    )
    config = config_of(layer, config={"Labels": {"k": "v"}})
    image = write_image(layout, config, [layer], name="host.x/model:1")

    source = f"oci:{layout.root}:host.x/model:1"
    shown = subprocess.run(["skopeo", "inspect", source], capture_output=True, check=True)
    target = f"docker-archive:{tmp_path / 'image.tar'}:host.x/model:1"
    subprocess.run(["skopeo", "copy", "--insecure-policy", source, target], check=True, capture_output=True)

    assert json.loads(shown.stdout)["Digest"] == image.descriptor.digest
    assert json.loads(shown.stdout)["Labels"] == {"k": "v"}
    with tarfile.open(tmp_path / "image.tar") as archive:
        (listed,) = json.load(archive.extractfile("manifest.json"))
        with tarfile.open(fileobj=archive.extractfile(listed["Layers"][0])) as packed:
            assert packed.getnames() == ["d", "d/a", "l", "m"]
    assert listed["RepoTags"] == ["host.x/model:1"]


@pytest.mark.engine("skopeo")
def test_a_layout_that_a_stranger_wrote_is_taken_over(layout, image, tmp_path):
    layout.tag("host.x/model:1", image.descriptor)
    source, foreign = f"oci:{layout.root}:host.x/model:1", tmp_path / "foreign"
    subprocess.run(["skopeo", "copy", "--insecure-policy", source, f"oci:{foreign}:base"], check=True)
    target = Layout.create(tmp_path / "target")

    copied = copy_image(Layout.open(foreign), "base", target, name="host.x/base:1")

    assert copied.image_id == image.image_id
    assert copied.diff_ids == image.diff_ids
    assert target.image("host.x/base:1").image_id == image.image_id
