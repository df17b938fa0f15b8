from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import attrs
import pytest

from cog_oci import canonical, digest, index_file, media
from cog_oci.errors import DigestMismatch, InvalidImage, Missing
from cog_oci.layout import Layout
from cog_oci.manifest import Descriptor, Index
from cog_oci.platform import Platform

DAY = 86400.0

WRITER = """
import sys
from pathlib import Path
from cog_oci import canonical
from cog_oci.entries import Entry
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Layout

layout, me = Layout.create(Path(sys.argv[1])), sys.argv[2]
for number in range(8):
    shared = write_layer(layout, [Entry(path="shared", content=b"%d" % number)])
    own = write_layer(layout, [Entry(path=me, content=b"x" * number)])
    config = {"rootfs": {"type": "layers", "diff_ids": [shared.digest, own.digest]}}
    write_image(layout, canonical.dump(config), [shared, own], name=f"host.x/{me}:{number}")
    write_image(layout, canonical.dump(config), [shared, own], name="host.x/all")
    layout.prune(grace=60)
"""


def start(program, *arguments):
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE)


def files(layout):
    return sorted(path.name for path in (layout.root / "blobs" / "sha256").iterdir())


def test_several_processes_lose_nothing_of_each_other(tmp_path):
    writers = [start(WRITER, tmp_path / "layout", name) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdout.close()
    layout = Layout.open(tmp_path / "layout")

    names = [name for name, _ in layout.images()]
    assert sorted(names) == sorted([*(f"host.x/{who}:{n}" for who in "abc" for n in range(8)), "host.x/all"])
    for name in names:
        image = layout.image(name)
        for layer in image.manifest.layers:
            layout.blobs.read(layer, limit=1 << 20)
    assert not list(layout.blobs.scratch.iterdir())


HALF = """
import sys
from pathlib import Path
from cog_oci.layout import Layout

with Layout.create(Path(sys.argv[1])).blobs.writer() as blob:
    blob.write(b"half of a layer")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_no_blob_and_is_pruned(kit, layout, image):
    layout.tag("a", image.descriptor)
    before = files(layout)
    writer = subprocess.Popen(
        [sys.executable, "-c", HALF, layout.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout.readline() == b"ready\n"
        writer.send_signal(signal.SIGKILL)

    assert files(layout) == before
    assert layout.prune(grace=DAY) == 0
    (left,) = layout.blobs.scratch.iterdir()
    os.utime(left, (0, 0))
    assert layout.prune(grace=DAY) == len(b"half of a layer")
    assert not list(layout.blobs.scratch.iterdir())


def test_an_error_while_writing_leaves_nothing(layout):
    def write():
        with layout.blobs.writer() as blob:
            blob.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()

    assert files(layout) == []
    assert not list(layout.blobs.scratch.iterdir())


def test_a_blob_of_the_wrong_length_is_not_there_and_is_written_again(layout):
    blob = layout.blobs.put_bytes(b"content", media.OCI_LAYER)
    layout.blobs.path(blob.digest).write_bytes(b"cont")

    assert not layout.blobs.has(blob)
    assert not layout.blobs.keep(blob)
    layout.blobs.put_bytes(b"content", media.OCI_LAYER)
    assert layout.blobs.read(blob, limit=100) == b"content"


@pytest.mark.parametrize("damaged", [b"contenT", b"content and more", b"cont"])
def test_a_damaged_blob_is_never_given_whole(layout, damaged):
    blob = layout.blobs.put_bytes(b"content", media.OCI_LAYER)
    layout.blobs.path(blob.digest).write_bytes(damaged)

    with pytest.raises(DigestMismatch), layout.blobs.open(blob) as source:
        list(iter(lambda: source.read(3), b""))
    with pytest.raises(DigestMismatch):
        layout.blobs.read(blob, limit=100)


def test_a_stream_that_is_longer_than_promised_is_left(layout):
    class Endless:
        size = 0

        def read(self, size=-1, /):
            self.size += size
            return bytes(size)

    source = Endless()
    with pytest.raises(DigestMismatch, match="more than"):
        layout.blobs.put_stream(
            source, media.OCI_LAYER, expected=Descriptor(media_type="", digest=digest.of_bytes(b""), size=10)
        )
    assert source.size <= 2 * digest.CHUNK


def test_a_blob_is_read_only_up_to_a_limit(layout):
    blob = layout.blobs.put_bytes(b"content", media.OCI_CONFIG)

    with pytest.raises(InvalidImage, match="more than 6"):
        layout.blobs.read(blob, limit=6)


def test_a_blob_that_is_not_there_is_missing(layout):
    blob = Descriptor(media_type=media.OCI_LAYER, digest=digest.of_bytes(b"nothing"), size=7)

    with pytest.raises(Missing), layout.blobs.open(blob):
        raise AssertionError
    assert not layout.blobs.has(blob)


@pytest.mark.parametrize("link", [False, True])
def test_a_file_is_stored_and_checked(layout, tmp_path, link):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    right = Descriptor(media_type=media.OCI_LAYER, digest=digest.of_bytes(b"content"), size=7)

    wrong = attrs.evolve(right, digest=digest.of_bytes(b"other"))
    with pytest.raises(DigestMismatch):
        layout.blobs.put_file(path, media.OCI_LAYER, expected=wrong, link=link)
    assert files(layout) == []
    assert layout.blobs.put_file(path, media.OCI_LAYER, expected=right, link=link) == right
    path.unlink()
    assert layout.blobs.put_file(path, media.OCI_LAYER, expected=right, link=link) == right


def test_prune_keeps_what_images_need_and_what_is_young(kit, layout, image):
    layout.tag("kept", image.descriptor)
    other = kit.add_image(layout, [kit.archive(kit.file("c"))])
    index = layout.put_manifest(Index(manifests=(attrs.evolve(image.descriptor, platform=Platform()),)))
    layout.tag("index", index)
    young = layout.blobs.put_bytes(b"young", media.OCI_LAYER)
    for path in (layout.root / "blobs" / "sha256").iterdir():
        if path != layout.blobs.path(young.digest):
            os.utime(path, (time.time() - DAY, time.time() - DAY))

    freed = layout.prune(grace=DAY / 2)

    gone = {*other.manifest.children, other.descriptor}
    assert freed == sum(blob.size for blob in gone)
    assert not any(map(layout.blobs.has, gone))
    assert all(map(layout.blobs.has, (*image.manifest.children, image.descriptor, index, young)))


def test_a_blob_that_somebody_relies_on_again_is_young_again(layout):
    blob = layout.blobs.put_bytes(b"old", media.OCI_LAYER)
    os.utime(layout.blobs.path(blob.digest), (0, 0))

    assert layout.blobs.keep(blob)
    assert layout.prune(grace=DAY) == 0
    os.utime(layout.blobs.path(blob.digest), (0, 0))
    layout.blobs.put_bytes(b"old", media.OCI_LAYER)
    assert layout.prune(grace=DAY) == 0


def test_a_damaged_list_removes_nothing(layout, image):
    (layout.root / index_file.FILE).write_bytes(b"{}")
    before = files(layout)

    with pytest.raises(InvalidImage):
        layout.prune(grace=-1)
    assert files(layout) == before


def test_names_are_found_in_full_and_in_short(kit, layout, image):
    other = kit.add_image(layout, [])
    layout.tag("model", image.descriptor)
    layout.tag("host.x/model:2", other.descriptor)

    assert layout.find("docker.io/library/model:latest").digest == image.descriptor.digest
    assert layout.image("host.x/model:2").image_id == other.image_id
    with pytest.raises(Missing, match="2 images"):
        layout.find()
    with pytest.raises(Missing) as caught:
        layout.find("host.x/model:3")
    assert caught.value.hint == "It has host.x/model:2, model."


def test_a_name_moves_and_goes(kit, layout, image):
    other = kit.add_image(layout, [])
    layout.tag("model", image.descriptor)
    layout.tag("model:latest", other.descriptor)

    assert [found.digest for _, found in layout.images()] == [other.descriptor.digest]
    assert layout.untag("docker.io/library/model")
    assert not layout.untag("model")
    assert layout.images() == ()


def test_a_nameless_image_is_listed_once_until_it_has_a_name(layout, image):
    for _ in range(2):
        layout.tag(None, image.descriptor)
    assert [name for name, _ in layout.images()] == [None]
    assert layout.find().digest == image.descriptor.digest

    layout.tag("a", image.descriptor)
    layout.tag("b", image.descriptor)
    layout.tag(None, image.descriptor)
    assert [name for name, _ in layout.images()] == ["a", "b"]


def test_an_image_with_a_missing_layer_gets_no_name(layout, image):
    layout.blobs.path(image.manifest.layers[0].digest).unlink()

    with pytest.raises(Missing, match=image.manifest.layers[0].digest):
        layout.tag("a", image.descriptor)
    assert layout.images() == ()


def test_what_other_tools_wrote_in_the_list_stays(layout, image):
    foreign = {"mediaType": "text/x", "digest": digest.of_bytes(b"x"), "size": 1, "data": "eA==", "x": [1]}
    (layout.root / index_file.FILE).write_bytes(json.dumps({"schemaVersion": 2, "manifests": [foreign]}).encode())

    layout.tag("a", image.descriptor)

    assert index_file.read(layout.root)[0] == foreign


def test_an_image_is_chosen_by_platform_in_indexes_in_indexes(kit, layout):
    amd = kit.add_image(layout, [])
    arm = kit.add_image(layout, [], config={"architecture": "arm64"})
    inner = Index(
        manifests=(
            attrs.evolve(amd.descriptor, platform=Platform()),
            attrs.evolve(arm.descriptor, platform=Platform("linux", "arm64", "v8")),
        )
    )
    outer = layout.put_manifest(Index(manifests=(layout.put_manifest(inner),)))
    layout.tag("both", outer)

    assert layout.image("both").image_id == amd.image_id
    assert layout.image("both", Platform("linux", "arm64")).image_id == arm.image_id
    with pytest.raises(Missing, match="s390x"):
        layout.image("both", Platform("linux", "s390x"))


def test_an_index_in_an_index_without_end_is_refused(layout, image):
    descriptor = image.descriptor
    for _ in range(6):
        descriptor = layout.put_manifest(Index(manifests=(descriptor,)))

    with pytest.raises(InvalidImage, match="more than 5"):
        layout.image(descriptor)


def test_only_a_layout_of_this_version_is_opened(tmp_path):
    with pytest.raises(Missing):
        Layout.open(tmp_path / "nothing")
    (tmp_path / "oci-layout").write_bytes(canonical.dump({"imageLayoutVersion": "2.0.0"}))
    with pytest.raises(InvalidImage, match="version '2"):
        Layout.open(tmp_path)


def test_a_new_name_is_the_only_one_whoever_wrote_the_old_one(layout, image):
    names = ((index_file.CONTAINERD_NAME, "docker.io/library/old:1"), (index_file.NAME, "old:1"), ("other", "note"))
    layout.tag("new:1", attrs.evolve(image.descriptor, annotations=names))

    (entry,) = index_file.read(layout.root)
    assert entry["annotations"] == {index_file.NAME: "new:1", "other": "note"}


def test_creating_a_layout_again_keeps_its_images(layout, image):
    layout.tag("a", image.descriptor)

    assert [name for name, _ in Layout.create(layout.root).images()] == ["a"]


def test_a_reader_of_a_stream_sees_what_was_put(layout):
    data = bytes(range(256)) * 9000

    blob = layout.blobs.put_stream(io.BytesIO(data), media.OCI_LAYER)

    assert blob.digest == digest.of_bytes(data)
    assert layout.blobs.read(blob, limit=len(data)) == data
