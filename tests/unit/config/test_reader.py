"""Texts that are no YAML, or that are YAML of a kind that no configuration needs."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cog_core.config import parse
from cog_core.errors import ConfigError, ConfigInvalid


@pytest.mark.parametrize(
    ("text", "place", "fact", "hint"),
    [
        ("build:\n\tgpu: true", (2, 1), "'\\t'", "use spaces"),
        ("My first model\nbuild:\n  gpu: true", (1, 1), "text stands before the first key", "Put # in front"),
        ("build:\n  run: a: b", (2, 9), "mapping values are not allowed", "quotes"),
        ("build:\n  gpu: true\n  cuda\n  run: a", (4, 3), "could not find expected ':'", "colon"),
        ("image: 'abc", (1, 12), "unexpected end of stream", "never closed"),
        ("build: [a, b", (1, 13), "expected ',' or ']'", "never closed"),
        ("build:\n  gpu: true\n image: a", (3, 2), "expected <block end>", "equally"),
        ("image: @name", (1, 8), "cannot start any token", "quotes"),
        ("image: *name", (1, 8), "undefined alias", "quotes"),
        ("image: a\n---\nimage: b", (2, 1), "expected a single document", "one document"),
        ("image: !run a", (1, 8), "the tag !run has no meaning", "exclamation mark"),
        ("[a]: b", (1, 1), "a key must be a single word", "quotes"),
        (
            "image: a\nbuild:\n  gpu: true\nimage: b",
            (4, 1),
            'key "image" is already defined at line 1',
            "one of the two",
        ),
        ("image: a\x07", (1, 9), "U+0007", "Delete"),
        ("<<: 3\nimage: a", (1, 5), "<< needs a mapping", "alias"),
        ('image: "\\x"', (1, 11), "escape", "single quotes"),
    ],
)
def test_a_text_that_is_no_yaml_is_told_with_place_and_advice(text, place, fact, hint):
    with pytest.raises(ConfigInvalid) as caught:
        parse(text)

    problem = caught.value.problems[0]
    assert problem.message.startswith("failed to parse cog.yaml: invalid YAML: ")
    assert (problem.origin.line, problem.origin.column) == place
    assert fact in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("text", ["- a\n- b", "just words", "3"])
def test_a_document_that_is_no_mapping_is_refused(text):
    with pytest.raises(ConfigInvalid, match=r"failed to parse cog.yaml: must be a mapping"):
        parse(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null", "build:", "build: ~", "\ufeffbuild: {}"])
def test_an_empty_configuration_is_one(text):
    assert parse(text).config.build.python_version == "3.13"


def test_two_keys_of_one_name_do_not_hide_other_mistakes():
    with pytest.raises(ConfigInvalid) as caught:
        parse("image: a\nimage: b\nbuild: {gpu: maybe}")

    assert [problem.origin.line for problem in caught.value.problems] == [2, 3]


def test_aliases_are_read():
    text = "build: &build\n  run: &commands [a, b]\n  pre_install: *commands"

    build = parse(text).config.build

    assert [item.command for item in build.run] == list(build.pre_install) == ["a", "b"]


def test_merged_mappings_give_way_to_what_is_written():
    text = "x: &x {gpu: true, cuda: 12.1}\nbuild:\n  <<: *x\n  cuda: 11.8"

    build = parse(text).config.build

    assert (build.gpu, build.cuda) == (True, "11.8")


def test_a_bomb_of_aliases_is_refused():
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    text = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *levels])

    with pytest.raises(ConfigInvalid, match="too many or too deeply nested values"):
        parse(text)


def test_an_alias_of_itself_is_refused():
    with pytest.raises(ConfigInvalid, match="too many or too deeply nested values"):
        parse("build: &a\n  run: *a")


@pytest.mark.parametrize(
    "text", ["[" * 500, "{a: " * 500, "- " * 500, "a:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 200))]
)
def test_deep_nesting_is_refused(text):
    with pytest.raises(ConfigInvalid):
        parse(text)


def test_a_huge_text_is_refused():
    with pytest.raises(ConfigInvalid, match="is larger than"):
        parse("#" * (1024 * 1024 + 1))


WORDS = ["build", "run", "gpu", "weights", "environment", "model", "source", "name", "mounts", "3.8", "a.py:B"]
SIGNS = (
    ": ",
    ":\n",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "&a ",
    "*a",
    "<<",
    "!t ",
    "#",
    "|\n",
    "~",
    "? ",
    "%YAML 1.1\n",
)
FRAGMENTS = st.lists(st.sampled_from([*WORDS, *SIGNS]), max_size=25).map("".join)


@given(st.text(max_size=60) | FRAGMENTS)
@example("%YAML 99999999999999999.1\n---\n")
@example('"\\U99999999"')
@example("? ? ? :")
@example("weights: [[[]]]")
@example("build: {run: [{command: {a: b}}]}")
@example("\x85\u2028:")
def test_any_text_gives_a_configuration_or_a_configuration_error(text):
    with contextlib.suppress(ConfigError):
        parse(text)
