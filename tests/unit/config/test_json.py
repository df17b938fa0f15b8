"""The configuration in an image's label."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_core.config import (
    Batch,
    Build,
    Concurrency,
    Config,
    Mount,
    RunItem,
    SshMount,
    Weight,
    WeightSource,
    from_json,
    parse,
)
from cog_core.errors import ConfigError, ConfigInvalid


def test_the_label_is_compact_and_names_the_reference_predict():
    config = parse("build: {gpu: true, python_version: '3.12', run: [echo]}\nrun: run.py:Runner").config

    assert config.to_json() == (
        '{"build":{"gpu":true,"python_version":"3.12","run":[{"command":"echo"}]},"predict":"run.py:Runner"}'
    )


def test_the_python_that_is_assumed_stands_in_the_label():
    assert parse("").config.to_json() == '{"build":{"python_version":"3.13"}}'


def test_credentials_are_absent_from_the_label():
    packages = ["--extra-index-url https://me:s3cret@example.com/simple", "git+https://t0ken@example.com/a.git"]
    text = parse(
        f"build: {{python_packages: {json.dumps(packages)}, run: ['pip install https://t0ken@x.y/z']}}"
    ).config.to_json()

    assert "s3cret" not in text
    assert "t0ken" not in text
    assert "https://example.com/simple" in text


@pytest.mark.parametrize(
    "text",
    [
        '{"build":{"python_version":"3.8","gpu":true,"run":["a",{"command":"b"}],"fast":true},"predict":"p.py:P"}',
        '{"build":{"python_version":3.8,"gpu":true,"run":["a","b"]},"predict":"p.py:P","future":{"x":[1]}}',
    ],
)
def test_labels_of_other_versions_are_read(text):
    config = from_json(text)

    assert (config.build.python_version, config.build.gpu, config.predict) == ("3.8", True, "p.py:P")
    assert [item.command for item in config.build.run] == ["a", "b"]


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"build": 3}', '{"build":{"gpu":"maybe"}}', "[" * 100_000])
def test_a_label_that_is_no_configuration_is_refused(text):
    with pytest.raises(ConfigInvalid):
        from_json(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["build", "run", "weights", "predict", "mounts", "command", "source"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_any_label_gives_a_configuration_or_a_configuration_error(value):
    with contextlib.suppress(ConfigError):
        from_json(json.dumps(value))


WORDS = (
    st.text(st.characters(codec="utf-8", exclude_characters="@"), min_size=1, max_size=12).map(str.strip).filter(bool)
)
LISTS = st.lists(WORDS, max_size=3).map(tuple)
MOUNTS = st.one_of(
    st.builds(
        Mount, type=st.just("secret"), id=st.sampled_from(["token", "a/b", "é=1"]), target=st.just("/run/secret")
    ),
    st.builds(SshMount, type=st.just("ssh"), id=st.sampled_from(["default", "github", "a.b-c_9"])),
)
BUILDS = st.builds(
    Build,
    gpu=st.booleans(),
    python_version=st.none() | st.just("3.12"),
    python_requirements=st.none() | WORDS,
    python_packages=LISTS,
    run=st.lists(st.builds(RunItem, command=WORDS, mounts=st.lists(MOUNTS, max_size=2).map(tuple)), max_size=2).map(
        tuple
    ),
    system_packages=LISTS,
    cuda=st.none() | WORDS,
)
INTEGERS = st.integers(-(10**17), 10**17)
CONFIGS = st.builds(
    Config,
    build=BUILDS,
    image=st.none() | WORDS,
    predict=st.none() | WORDS,
    concurrency=st.none()
    | st.builds(
        Concurrency,
        max=INTEGERS,
        default_target=st.none() | INTEGERS,
        queue=st.none() | INTEGERS,
        timeout=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        batch=st.none() | st.builds(Batch, max_size=st.none() | INTEGERS, window=st.none() | st.just(0.5)),
    ),
    environment=LISTS,
    weights=st.lists(
        st.builds(
            Weight,
            name=WORDS,
            target=WORDS,
            source=st.lists(st.builds(WeightSource, uri=WORDS), min_size=1, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


@given(CONFIGS)
def test_a_configuration_comes_back_from_its_label(config):
    assert from_json(config.to_json()) == config
