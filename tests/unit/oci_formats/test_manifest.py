from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci import canonical, digest, image_config, manifest, media
from cog_oci.errors import InvalidImage, Missing
from cog_oci.manifest import Descriptor, Index, Manifest
from cog_oci.platform import Platform

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
pairs = st.dictionaries(texts, texts, max_size=3).map(lambda found: tuple(sorted(found.items())))
platforms = st.builds(Platform, st.just("linux"), st.sampled_from(["amd64", "arm64"]), st.sampled_from([None, "v8"]))
descriptors = st.builds(
    Descriptor,
    media_type=st.sampled_from([media.OCI_LAYER, media.OCI_LAYER_GZIP, media.OCI_MANIFEST]),
    digest=st.binary(max_size=4).map(digest.of_bytes),
    size=st.integers(0, 2**40),
    annotations=pairs,
    platform=st.one_of(st.none(), platforms),
)
lists = st.lists(descriptors, max_size=3).map(tuple)


@given(st.builds(Manifest, config=descriptors, layers=lists, annotations=pairs))
def test_a_manifest_survives_its_own_text(value):
    assert manifest.parse(value.to_bytes()) == value


@given(st.builds(Index, manifests=lists, annotations=pairs))
def test_an_index_survives_its_own_text(value):
    assert manifest.parse(value.to_bytes()) == value


def test_canonical_text_has_sorted_keys_and_no_blanks():
    assert canonical.dump({"b": [1, "ä"], "a": None}) == '{"a":null,"b":[1,"ä"]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {1, 2}])
def test_what_json_cannot_say_is_a_typed_error(value):
    with pytest.raises(InvalidImage):
        canonical.dump({"a": value})


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["config", "layers", "manifests", "mediaType", "digest", "size", "annotations", "platform", "os"]
            ),
            inner,
            max_size=5,
        ),
    ),
)


@given(json_values)
def test_any_json_is_a_manifest_or_a_typed_refusal(value):
    with suppress(InvalidImage):
        manifest.parse(json.dumps(value).encode(), media_type=media.OCI_MANIFEST)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"a":NaN}',
        b"\xff",
        b'{"schemaVersion":1}',
        b'{"mediaType":["x"]}',
        b" " * (canonical.LIMIT + 1),
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_hostile_documents_are_typed_errors(data):
    with pytest.raises(InvalidImage):
        manifest.parse(data)


def test_a_document_that_is_both_manifest_and_index_is_refused():
    both = {"layers": [], "manifests": [], "config": {}, "mediaType": media.OCI_INDEX}

    with pytest.raises(InvalidImage):
        manifest.parse(json.dumps(both).encode())


def test_dockers_manifest_is_the_same_image_in_ocis_words():
    one = digest.of_bytes(b"1")
    value = Manifest(
        config=Descriptor(media_type=media.DOCKER_CONFIG, digest=one, size=1),
        layers=(Descriptor(media_type=media.DOCKER_LAYER_GZIP, digest=one, size=1),),
        media_type=media.DOCKER_MANIFEST,
    )

    oci = manifest.parse(value.to_bytes()).as_oci()

    assert (oci.media_type, oci.config.media_type) == (media.OCI_MANIFEST, media.OCI_CONFIG)
    assert [(layer.media_type, layer.digest) for layer in oci.layers] == [(media.OCI_LAYER_GZIP, one)]


def entry(name, platform, media_type=media.OCI_MANIFEST):
    return Descriptor(media_type=media_type, digest=digest.of_bytes(name), size=1, platform=platform)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (Platform("linux", "amd64"), b"amd"),
        (Platform("linux", "arm64"), b"arm8"),
        (Platform("linux", "arm64", "v8"), b"arm8"),
        (Platform("linux", "arm", "v6"), b"v6"),
        (Platform("linux", "arm"), b"v7"),
    ],
)
def test_an_index_gives_the_image_of_the_platform(wanted, chosen):
    index = Index(
        manifests=(
            entry(b"note", Platform("unknown", "unknown")),
            entry(b"amd", Platform("linux", "amd64")),
            entry(b"v6", Platform("linux", "arm", "v6")),
            entry(b"v7", Platform("linux", "arm", "v7")),
            entry(b"arm8", Platform("linux", "arm64", "v8")),
            entry(b"weights", Platform("linux", "amd64"), "application/vnd.other"),
        )
    )

    assert index.choose(wanted, what="it").digest == digest.of_bytes(chosen)


def test_a_platform_that_is_missing_is_an_error_that_lists_the_others():
    index = Index(manifests=(entry(b"a", Platform("linux", "arm64")),))

    with pytest.raises(Missing, match="no image for linux/s390x") as caught:
        index.choose(Platform("linux", "s390x"), what="it")
    assert "linux/arm64" in caught.value.hint


def test_a_configuration_answers_questions():
    one = digest.of_bytes(b"1")
    config = {
        "os": "linux",
        "architecture": "arm64",
        "rootfs": {"diff_ids": [one]},
        "config": {"Labels": {"a": "b"}, "Env": ["PATH=/bin", "X=1=2"]},
    }

    assert image_config.diff_ids(config) == (one,)
    assert str(image_config.platform(config)) == "linux/arm64"
    assert image_config.labels(config) == {"a": "b"}
    assert image_config.environment(config) == {"PATH": "/bin", "X": "1=2"}


@pytest.mark.parametrize(
    ("question", "config"),
    [
        (image_config.diff_ids, {}),
        (image_config.diff_ids, {"rootfs": {"diff_ids": ["x"]}}),
        (image_config.platform, {"os": 7}),
        (image_config.labels, {"config": {"Labels": {"a": 1}}}),
        (image_config.labels, {"config": []} | {"config": [1]}),
        (image_config.environment, {"config": {"Env": {"a": 1}}}),
    ],
)
def test_a_configuration_that_makes_no_sense_is_a_typed_error(question, config):
    with pytest.raises(InvalidImage):
        question(config)
