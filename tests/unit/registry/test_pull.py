from __future__ import annotations

import attrs
import pytest

from cog_core.testing.registry import Faults
from cog_oci import canonical, media
from cog_oci import digest as digests
from cog_oci.credentials import Login
from cog_oci.errors import DigestMismatch, InvalidImage, Missing, NotFound, RegistryFailure
from cog_oci.manifest import Index
from cog_oci.platform import Platform
from cog_oci.pull import pull
from cog_oci.retry import Retry
from tests.unit.oci_formats import kit


def put(place, image, layout, *, name="me/model", tag=None):
    """Put an image's manifest and blobs in a registry without asking it."""
    for blob in image.manifest.children:
        place.registry.put_blob(name, layout.blobs.read(blob, limit=1 << 22))
    data = layout.blobs.read(image.descriptor, limit=1 << 22)
    place.registry.put_manifest(name, data, image.descriptor.media_type, tag)


def left(layout):
    return list(layout.blobs.scratch.iterdir()) if layout.blobs.scratch.exists() else []


def test_a_pulled_image_is_the_same_and_has_its_name(filled, image, target, anonymous_client):
    there = filled()
    seen = []

    pulled = pull(anonymous_client, there.reference(), target, progress=lambda *now: seen.append(now))

    assert (pulled.manifest, pulled.config) == (image.manifest, image.config)
    assert target.image(there.reference()).descriptor.digest == image.descriptor.digest
    total = sum(blob.size for blob in image.manifest.children)
    assert seen[-1] == (total, total)


def test_what_is_there_is_not_fetched_again(filled, target, anonymous_client):
    there = filled()
    for _ in range(2):
        pull(anonymous_client, there.reference(), target)

    assert len(there.asked("GET", "/blobs/")) == 3


def test_the_image_of_the_platform_is_pulled_from_an_index(place, layout, image, target, anonymous_client):
    there = place()
    arm = kit.add_image(layout, [], config={"architecture": "arm64"})
    for one in (image, arm):
        put(there, one, layout)
    index = Index(
        manifests=(
            attrs.evolve(image.descriptor, platform=Platform()),
            attrs.evolve(arm.descriptor, platform=Platform("linux", "arm64", "v8")),
        ),
        media_type=media.DOCKER_INDEX,
    )
    there.registry.put_manifest("me/model", index.to_bytes(), media.DOCKER_INDEX, "1")

    pulled = pull(anonymous_client, there.reference(), target, platform=Platform("linux", "arm64"))

    assert pulled.image_id == arm.image_id
    assert pull(anonymous_client, there.reference(), target).image_id == image.image_id
    with pytest.raises(Missing, match="s390x"):
        pull(anonymous_client, there.reference(), target, platform=Platform("linux", "s390x"))


def test_a_lone_image_for_another_platform_is_refused(filled, target, anonymous_client):
    with pytest.raises(Missing, match=r"linux/amd64, not for linux/arm64"):
        pull(anonymous_client, filled().reference(), target, platform=Platform("linux", "arm64"))
    assert target.images() == ()


@pytest.mark.parametrize("ignore_ranges", [False, True])
def test_a_broken_download_goes_on_where_it_ended(filled, image, target, anonymous_client, ignore_ranges):
    there = filled(faults=Faults(break_downloads=3, after=100, ignore_ranges=ignore_ranges))

    pulled = pull(anonymous_client, there.reference(), target)

    assert pulled.image_id == image.image_id
    assert left(target) == []


def test_a_download_that_always_breaks_ends_and_leaves_nothing(filled, target, anonymous_client):
    there = filled(faults=Faults(break_downloads=1000, after=1))

    with pytest.raises(RegistryFailure) as caught:
        pull(anonymous_client, there.reference(), target)

    assert caught.value.retryable
    assert left(target) == []
    assert target.images() == ()


def test_blobs_that_are_not_what_was_promised_are_refused(filled, target, anonymous_client):
    there = filled(faults=Faults(corrupt_blobs=True))

    with pytest.raises(DigestMismatch):
        pull(anonymous_client, there.reference(), target)
    assert target.images() == ()
    assert left(target) == []


def test_a_manifest_that_is_not_what_was_promised_is_refused(filled, image, target, anonymous_client):
    with pytest.raises(DigestMismatch):
        pull(anonymous_client, filled(faults=Faults(wrong_manifest_digest=True)).reference(), target)

    there = filled()
    other = digests.of_bytes(b"other")
    held = there.registry.repositories["me/model"].manifests
    held[other] = held[image.descriptor.digest]
    with pytest.raises(DigestMismatch):
        pull(anonymous_client, there.reference().with_digest(other), target)


def test_a_manifest_of_a_digest_is_pulled(filled, image, target, anonymous_client):
    reference = filled().reference().with_digest(image.descriptor.digest)

    assert pull(anonymous_client, reference, target).descriptor.digest == image.descriptor.digest


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"no json", InvalidImage),
        (b"{}", InvalidImage),
        (b'{"schemaVersion":1}', InvalidImage),
        (b'"' + b"x" * canonical.LIMIT + b'"', RegistryFailure),
    ],
)
def test_hostile_manifests_are_typed_errors(place, target, anonymous_client, data, error):
    there = place()
    there.registry.put_manifest("me/model", data, media.OCI_MANIFEST, "1")

    with pytest.raises(error):
        pull(anonymous_client, there.reference(), target)


def test_a_configuration_without_bounds_is_not_fetched(place, layout, image, target, anonymous_client):
    there = place()
    huge = attrs.evolve(image.manifest, config=attrs.evolve(image.manifest.config, size=1 << 40))
    there.registry.put_manifest("me/model", huge.to_bytes(), media.OCI_MANIFEST, "1")

    with pytest.raises(InvalidImage, match=str(1 << 40)):
        pull(anonymous_client, there.reference(), target)
    assert there.asked("GET", "/blobs/") == []


def test_a_layer_longer_than_promised_is_refused(place, layout, image, target, anonymous_client):
    there = place()
    put(there, image, layout)
    first, *others = image.manifest.layers
    short = attrs.evolve(image.manifest, layers=(attrs.evolve(first, size=first.size - 1), *others))
    there.registry.put_manifest("me/model", short.to_bytes(), media.OCI_MANIFEST, "1")

    with pytest.raises(DigestMismatch, match="more than"):
        pull(anonymous_client, there.reference(), target)


def test_an_image_that_is_not_there_says_its_name(place, target, anonymous_client):
    reference = place().reference("me/nothing:1")

    with pytest.raises(NotFound, match="me/nothing:1") as caught:
        pull(anonymous_client, reference, target)
    assert caught.value.code == "MANIFEST_UNKNOWN"


def test_a_registry_that_is_busy_is_asked_again_as_late_as_it_wants(filled, image, target):
    waits = []
    there = filled(faults=Faults(too_many=2, unavailable=1, retry_after=7))

    with kit.client_for(sleep=waits.append) as client:
        pull(client, there.reference(), target)

    assert waits == [7.0, 7.0, 0.004]


def test_a_registry_that_stays_busy_is_left(filled, target, anonymous_client):
    there = filled(faults=Faults(unavailable=100))

    with pytest.raises(RegistryFailure) as caught:
        pull(anonymous_client, there.reference(), target)
    assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
    assert len(there.registry.seen) == Retry().attempts


def test_what_the_observer_raises_ends_the_pull(filled, target, anonymous_client):
    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(anonymous_client, filled().reference(), target, progress=stop)
    assert target.images() == ()
    assert left(target) == []


def test_a_login_is_not_sent_to_where_blobs_really_are(filled, place, layout, image, target):
    store = place()
    put(store, image, layout)
    there = filled(auth="basic", users={"me": "pass"}, redirect_blobs=f"http://{store.host}")

    with kit.client_for(lambda *_: Login("me", "pass")) as client:
        pull(client, there.reference(), target)

    assert all(seen.authorization for seen in there.registry.seen[1:])
    assert store.registry.seen
    assert not any(seen.authorization for seen in store.registry.seen)


def test_tags_are_listed_over_all_pages(filled, anonymous_client):
    there = filled()
    repository = there.registry.repositories["me/model"]
    repository.tags = {f"t{n:03}": repository.tags["1"] for n in range(250)}

    assert anonymous_client.tags(there.reference()) == tuple(sorted(repository.tags))
    assert len(there.asked("GET", "/tags/list")) == 3


def test_a_tag_is_resolved_without_its_content(filled, image, anonymous_client):
    there = filled()

    assert anonymous_client.resolve(there.reference()) == image.descriptor
    assert there.asked("GET", "/manifests/") == []
