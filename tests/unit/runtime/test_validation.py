from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_runtime.server import mistakes
from cog_runtime.server.checks import compile_check
from cog_runtime.server.validation import Invalid, compile_input

numbers = st.integers(-3, 3) | st.floats(-3, 3)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
keywords = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object"]),
        "minimum": numbers,
        "maximum": numbers,
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 2),
        "pattern": st.sampled_from(["a", "^b+$", "(", "[ab]{2}"]),
        "enum": st.lists(st.sampled_from(["a", 1, True, 2.0]), min_size=1, max_size=3),
    },
)
schemas = st.recursive(
    keywords,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda each: {"anyOf": each}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda each: {"allOf": each}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda each: {"properties": {"a": each}, "required": ["a"]}, inner),
        st.just({"$ref": "#/components/schemas/Named"}),
    ),
    max_leaves=4,
)


@given(values, schemas, keywords)
def test_the_quick_check_and_the_slow_one_agree(value, schema, named):
    components = {"Named": named}
    fits = compile_check(schema, components)(value)
    found = mistakes.find(value, schema, components)
    assert fits is not bool(found)


COMPONENTS = {
    "Input": {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "maybe": {"type": "string", "nullable": True},
            "file": {"type": "string", "format": "uri"},
            "files": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "mode": {"allOf": [{"$ref": "#/components/schemas/mode"}], "default": "a"},
        },
        "required": ["text"],
    },
    "mode": {"enum": ["a", "b"], "type": "string"},
}


def test_what_fits_comes_back_with_nulls_and_without_strangers():
    validator = compile_input(COMPONENTS, "Input")
    assert validator is not None
    assert validator({"text": "x", "other": 1}) == ({"text": "x", "maybe": None}, ["other"])
    assert validator.files == {"file", "files"}
    assert compile_input(COMPONENTS, "TrainingInput") is None


@pytest.mark.parametrize(
    ("inputs", "where", "message"),
    [
        ({}, "text", "Field required"),
        ({"text": 1}, "text", '1 is not of type "string"'),
        ({"text": "x", "mode": "c"}, "mode", '"c" is not one of ["a","b"]'),
        ({"text": "x", "files": ["a", 2]}, "files/1", '2 is not of type "string"'),
        ([], "__root__", '[] is not of type "object"'),
        (None, "__root__", 'null is not of type "object"'),
    ],
)
def test_mistakes_are_said_in_upstreams_words(inputs, where, message):
    validator = compile_input(COMPONENTS, "Input")
    assert validator is not None
    with pytest.raises(Invalid) as raised:
        validator(inputs)
    assert [(each.where, each.message) for each in raised.value.mistakes] == [(where, message)]
