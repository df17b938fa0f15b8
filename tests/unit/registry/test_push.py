from __future__ import annotations

import attrs
import pytest

from cog_core.testing.registry import Faults
from cog_oci import media
from cog_oci.client import Upload
from cog_oci.compress import CompressedLayers
from cog_oci.errors import DigestMismatch, Missing, NotFound, RegistryFailure
from cog_oci.layout import Layout
from cog_oci.pull import pull
from cog_oci.push import push
from cog_oci.uploads import Pace
from tests.unit.oci_formats import kit

SMALL = Pace(at_once=2, part=100_000, whole_up_to=200_000)


@pytest.fixture
def cache(tmp_path):
    return CompressedLayers(tmp_path / "compressed")


def test_an_image_arrives_as_it_is_under_all_its_tags(place, layout, image, anonymous_client):
    there = place()
    seen = []

    sent = push(
        anonymous_client, layout, image, there.reference(), tags=["2"], progress=lambda *now: seen.append(now)
    )

    repository = there.registry.repositories["me/model"]
    assert repository.tags == {"1": image.descriptor.digest, "2": image.descriptor.digest}
    assert sent.digest == image.descriptor.digest
    assert repository.blobs == {blob.digest for blob in image.manifest.children}
    assert seen[-1][0] == seen[-1][1] == sum(blob.size for blob in image.manifest.children)


def test_layers_are_compressed_on_their_way_to_the_same_bytes_every_time(
    place, layout, image, tmp_path, anonymous_client
):
    there, again = place(), place()

    sent = push(anonymous_client, layout, image, there.reference(), compressed=CompressedLayers(tmp_path / "one"))
    other = push(
        anonymous_client, layout, image, again.reference(), compressed=CompressedLayers(tmp_path / "another")
    )
    pulled = pull(anonymous_client, there.reference(), Layout.create(tmp_path / "pulled"))

    assert sent == other
    assert pulled.image_id == image.image_id
    assert {layer.media_type for layer in pulled.manifest.layers} == {media.OCI_LAYER_GZIP}


def test_an_image_that_is_there_costs_no_upload_and_no_compression(place, layout, image, cache, anonymous_client):
    there = place()
    push(anonymous_client, layout, image, there.reference(), compressed=cache)
    for layer in cache.root.glob("blobs/sha256/*"):
        layer.unlink()
    there.registry.seen.clear()

    push(anonymous_client, layout, image, there.reference(), compressed=cache)

    assert there.asked("POST") == []
    assert not list(cache.root.glob("blobs/sha256/*"))


def test_only_layers_worth_it_are_compressed(place, layout, image, cache, anonymous_client):
    there = place()

    push(
        anonymous_client,
        layout,
        image,
        there.reference(),
        compressed=cache,
        compress=lambda layer: layer.size > 100_000,
    )

    kinds = [layer.media_type for layer in anonymous_client.manifest(there.reference()).value.layers]
    assert kinds == [media.OCI_LAYER, media.OCI_LAYER_GZIP]


def test_blobs_are_mounted_from_where_they_are(filled, layout, image, anonymous_client):
    there = filled()

    push(anonymous_client, layout, image, there.reference("me/other:1"), mount_from=["me/nothing", "me/model"])

    assert there.registry.repositories["me/other"].tags == {"1": image.descriptor.digest}
    assert there.asked("PUT", "/blobs/") == []


def test_a_blob_that_cannot_be_mounted_is_sent(place, layout, image, anonymous_client):
    there = place()

    push(anonymous_client, layout, image, there.reference(), mount_from=["me/nothing"])

    assert len(there.asked("PUT", "/blobs/")) == 3


def test_a_broken_upload_is_repeated(place, layout, image, anonymous_client):
    there = place(faults=Faults(break_uploads=2))

    push(anonymous_client, layout, image, there.reference())

    assert there.registry.repositories["me/model"].tags


def test_an_upload_that_always_breaks_sends_no_manifest(place, layout, image, anonymous_client):
    there = place(faults=Faults(break_uploads=1000))

    with pytest.raises(RegistryFailure):
        push(anonymous_client, layout, image, there.reference())
    assert there.asked("PUT", "/manifests/") == []


@pytest.mark.parametrize("absolute", [False, True])
def test_large_blobs_go_in_parts(place, layout, image, anonymous_client, absolute):
    there = place(largest_request=200_000, absolute_locations=absolute)
    seen = []

    push(anonymous_client, layout, image, there.reference(), pace=SMALL, progress=lambda *now: seen.append(now))

    assert len(there.asked("PATCH")) == -(-image.manifest.layers[1].size // SMALL.part)
    assert there.registry.repositories["me/model"].tags
    assert seen[-1][0] == seen[-1][1]


def test_parts_are_as_large_as_the_registry_wants_them(place, layout, image, anonymous_client):
    there = place(least_part=300_000)

    push(anonymous_client, layout, image, there.reference(), pace=SMALL)

    assert len(there.asked("PATCH")) == 2


@pytest.mark.parametrize(
    ("wanted", "least", "most", "size"), [(5, 0, 0, 5), (5, 9, 0, 9), (5, 0, 3, 3), (5, 9, 7, 7), (0, 0, 0, 1)]
)
def test_the_size_of_a_part_is_within_the_registrys_bounds(wanted, least, most, size):
    assert Upload(address="", least=least, most=most).fit(wanted) == size


def test_a_broken_part_goes_on_where_the_registry_is(place, layout, image, anonymous_client):
    there = place(faults=Faults(break_uploads=3, after=150_000))

    push(anonymous_client, layout, image, there.reference(), pace=SMALL)

    assert there.asked("GET", "/uploads/")
    assert len(there.asked("POST", "/uploads/")) == 3
    assert there.registry.repositories["me/model"].tags


def test_parts_that_never_arrive_end_the_push(place, layout, image, anonymous_client):
    there = place(faults=Faults(break_uploads=1000, after=150_000))

    with pytest.raises(RegistryFailure):
        push(anonymous_client, layout, image, there.reference(), pace=SMALL)
    assert there.asked("PUT", "/manifests/") == []


def test_an_upload_that_the_registry_forgot_begins_anew(place, layout, image, anonymous_client):
    there = place(largest_request=200_000)
    forgotten = there.registry.uploads

    def forget(done, total):
        if there.registry.blobs and there.asked("PATCH") and not forgot:
            forgot.append(forgotten.clear())

    forgot = []
    push(anonymous_client, layout, image, there.reference(), pace=SMALL, progress=forget)

    assert there.registry.repositories["me/model"].tags


@pytest.mark.parametrize("pace", [attrs.evolve(SMALL, at_once=1), Pace(at_once=1)], ids=["parts", "whole"])
def test_an_upload_that_is_forgotten_before_its_end_begins_anew(place, layout, image, anonymous_client, pace):
    there = place()
    sizes = {blob.size for blob in image.manifest.layers}
    forgot = []

    def forget(done, total):
        if not forgot and done in sizes:
            there.registry.uploads.clear()
            forgot.append(done)

    push(anonymous_client, layout, image, there.reference(), pace=pace, progress=forget)

    assert forgot
    assert there.registry.repositories["me/model"].tags


def test_a_damaged_layer_is_never_sent_whole(place, layout, image, anonymous_client):
    there = place()
    layer = image.manifest.layers[0]
    layout.blobs.path(layer.digest).write_bytes(bytes(layer.size))

    with pytest.raises(DigestMismatch):
        push(anonymous_client, layout, image, there.reference())
    assert layer.digest not in there.registry.blobs
    assert there.asked("PUT", "/manifests/") == []


def test_a_damaged_layer_in_parts_is_refused_by_the_registry(place, layout, image, anonymous_client):
    there = place()
    layer = image.manifest.layers[1]
    layout.blobs.path(layer.digest).write_bytes(bytes(layer.size))

    with pytest.raises(RegistryFailure) as caught:
        push(anonymous_client, layout, image, there.reference(), pace=SMALL)
    assert caught.value.code == "DIGEST_INVALID"


def test_a_layer_that_is_missing_here_is_missing(place, layout, image, anonymous_client):
    layout.blobs.path(image.manifest.layers[0].digest).unlink()

    with pytest.raises(Missing):
        push(anonymous_client, layout, image, place().reference())


def test_what_the_observer_raises_ends_the_push(place, layout, image, cache, anonymous_client):
    there = place()

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(anonymous_client, layout, image, there.reference(), compressed=cache, progress=stop)
    assert there.asked("PUT", "/manifests/") == []


def test_the_same_layer_twice_is_sent_once(place, layout, cache, target, anonymous_client):
    there = place()
    layer = kit.archive(kit.file("a"))
    image = kit.add_image(layout, [layer, layer])

    push(anonymous_client, layout, image, there.reference(), compressed=cache)

    assert len(there.asked("PUT", "/blobs/")) == 2
    assert pull(anonymous_client, there.reference(), target).diff_ids == image.diff_ids


def test_dockers_manifest_stays_as_it_is_unless_its_layers_change(place, layout, cache, anonymous_client):
    there = place()
    plain = kit.add_image(layout, [kit.archive(kit.file("a"))])
    docker = attrs.evolve(plain.manifest, media_type=media.DOCKER_MANIFEST)
    image = layout.image(layout.put_manifest(docker))

    assert push(anonymous_client, layout, image, there.reference()) == image.descriptor
    sent = push(anonymous_client, layout, image, there.reference(), compressed=cache)
    assert sent.media_type == media.OCI_MANIFEST


def test_pushing_to_a_digest_gives_no_tag(place, layout, image, anonymous_client):
    there = place()

    push(anonymous_client, layout, image, there.reference().with_digest(image.descriptor.digest))

    assert there.registry.repositories["me/model"].tags == {}
    with pytest.raises(NotFound):
        anonymous_client.manifest(there.reference())
