"""Documents that a user supplies, and the text of documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.errors import SchemaError
from cog_core.schema import check, dumps


def _json(floats):
    return st.recursive(
        st.none() | st.booleans() | st.integers() | floats | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )


JSON = _json(st.floats(allow_nan=False))
KEYS = ("type", "enum", "allOf", "anyOf", "items", "minimum", "maximum", "minLength", "maxLength", "pattern", "$ref")
PROPERTY = st.dictionaries(
    st.sampled_from((*KEYS, "default", "nullable")),
    JSON | st.sampled_from(["string", "integer", "array", "(", "#/components/schemas/Input"]),
    max_size=6,
)


def _document(properties, **more):
    schemas = {"Input": {"type": "object", "properties": properties}, **more}
    return {"openapi": "3.0.2", "paths": {}, "components": {"schemas": schemas}}


@settings(max_examples=25)
@given(JSON)
def test_any_json_is_a_document_or_refused(value):
    with pytest.raises(SchemaError):
        check(value)


@settings(max_examples=25)
@given(PROPERTY, JSON)
def test_any_property_is_consistent_or_refused(found, default):
    try:
        check(_document({"x": {"default": default, **found}}))
    except SchemaError as refused:
        messages = [problem.message for problem in refused.problems]
    else:
        messages = []

    assert all(message.startswith("model schema is invalid") for message in messages)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "it is no OpenAPI 3.0 document"),
        ({"openapi": "3.1.0"}, "it is no OpenAPI 3.0 document"),
        ({"openapi": "3.0.2"}, "it has no paths"),
        (_document({"x": {"$ref": "#/components/schemas/Y"}}), "#/components/schemas/Y is not defined"),
        (_document({"x": {"type": "string", "default": 3}}), "the default of 'x', 3, is no string"),
        (
            _document({"x": {"allOf": [{"$ref": "#/components/schemas/x"}], "default": "b"}}, x={"enum": ["a"]}),
            "the default of 'x', 'b', is none of its choices, ['a']",
        ),
        (_document({"x": {"anyOf": [{"type": "string"}], "default": 3}}), "is none of the types that it may have"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(document, message):
    with pytest.raises(SchemaError) as caught:
        check(document)

    assert message in caught.value.problems[0].message


def test_a_document_that_refers_to_itself_is_checked_to_an_end():
    loop = {"$ref": "#/components/schemas/x"}

    check(_document({"x": {**loop, "default": 1}}, x=loop))


@settings(max_examples=25)
@given(_json(st.floats(allow_nan=False, allow_infinity=False)))
def test_text_reads_back_as_the_same_value(value):
    assert _numbers_as_floats(json.loads(dumps(value))) == _numbers_as_floats(value)


def _numbers_as_floats(value):
    """JSON knows one kind of number: what is written as 53331889488813290 may have been a float."""
    if isinstance(value, list):
        return list(map(_numbers_as_floats, value))
    if isinstance(value, dict):
        return {key: _numbers_as_floats(item) for key, item in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
        (2.0, "2"),
        (0.5, "0.5"),
        (-0.0, "-0"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        ("<a & b>", '"\\u003ca \\u0026 b\\u003e"'),
        ("é\u2028", '"é\\u2028"'),
        ("\ud800", '"\ufffd"'),
        ("\x7f\t", '"\x7f\\t"'),
    ],
)
def test_text_is_written_as_upstream_writes_it(value, text):
    assert dumps(value) == text
