"""The labels of an image: what is written, and what images of every generation say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core import labels
from cog_core.labels import SourceFacts
from cog_core.values import COMPATIBLE_COG_VERSION

SCHEMA = {"openapi": "3.0.2", "info": {"title": "Cog"}}
CONFIG = '{"build":{"gpu":true},"predict":"run.py:Runner"}'


def write(**given):
    usual = {
        "config": CONFIG,
        "schema": json.dumps(SCHEMA),
        "freeze": ("numpy==2.2.0", "pillow==11.0.0"),
        "partial": False,
        "lock": ("numpy==2.2.0 --hash=sha256:0",),
        "builder": "cog-core 1.0",
        "source": SourceFacts(),
    }
    return labels.write(**(usual | given))


def test_upstreams_labels_and_ours_are_written_sorted():
    written = write(source=SourceFacts(revision="0123abc", version="v1"))

    assert dict(written) == {
        "run.cog.version": COMPATIBLE_COG_VERSION,
        "run.cog.config": CONFIG,
        "run.cog.openapi_schema": json.dumps(SCHEMA),
        "run.cog.pip_freeze": "numpy==2.2.0\npillow==11.0.0",
        "run.cog.has_init": "true",
        "org.opencontainers.image.revision": "0123abc",
        "org.opencontainers.image.version": "v1",
        "org.cogmodel.lock": '["numpy==2.2.0 --hash=sha256:0"]',
        "org.cogmodel.builder": "cog-core 1.0",
        "org.cogmodel.cog_version": COMPATIBLE_COG_VERSION,
        "org.cogmodel.config": CONFIG,
        "org.cogmodel.openapi_schema": json.dumps(SCHEMA),
    }
    assert list(written) == sorted(written)


def test_what_is_not_known_is_not_written():
    names = dict(write(schema=None, lock=()))

    assert not {name for name in names if "schema" in name or "lock" in name or "opencontainers" in name}


def test_a_freeze_that_cannot_be_complete_says_so():
    assert dict(write(partial=True))["run.cog.pip_freeze"].splitlines()[-1].startswith("# further packages")
    assert dict(write(freeze=(), partial=False))["run.cog.pip_freeze"] == ""


@pytest.mark.parametrize("prefix", ["run.cog.", "org.cogmodel."])
def test_images_of_both_generations_are_read(prefix):
    found = {f"{prefix}openapi_schema": json.dumps(SCHEMA), f"{prefix}config": CONFIG}

    assert labels.read_schema(found) == SCHEMA
    assert labels.read_config(found) == CONFIG
    assert labels.is_model(found)


def test_the_newer_label_wins():
    found = {"run.cog.config": "new", "org.cogmodel.config": "old", "org.cogmodel.openapi_schema": "{}"}

    assert labels.read_config(found) == "new"
    assert labels.read_schema(found | {"run.cog.openapi_schema": json.dumps(SCHEMA)}) == SCHEMA


@pytest.mark.parametrize("text", ["", "null", "[]", '"x"', "7", "{", "[" * 100_000, "\0"])
def test_a_schema_that_cannot_be_read_is_none(text):
    assert labels.read_schema({"run.cog.openapi_schema": text}) is None


@pytest.mark.parametrize("found", [{}, {"maintainer": "me"}, {"run.cog.version": "1"}, {"run.cog.config": ""}])
def test_an_image_without_a_configuration_is_no_model(found):
    assert not labels.is_model(found)


texts = st.text(min_size=1)


@settings(max_examples=40)
@given(texts, st.dictionaries(texts, texts), st.lists(texts).map(tuple), st.none() | texts)
def test_what_is_written_is_read_back(config, schema, lock, revision):
    written = dict(write(config=config, schema=json.dumps(schema), lock=lock, source=SourceFacts(revision=revision)))

    assert labels.read_config(written) == config
    assert labels.read_schema(written) == schema
    assert tuple(json.loads(written.get("org.cogmodel.lock", "[]"))) == lock
    assert written.get("org.opencontainers.image.revision") == revision
