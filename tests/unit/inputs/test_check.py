"""Inputs against the model's schema: every fault at once, in upstream's words (reference, section 2.4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.errors import InputInvalid
from cog_core.inputs import InputSchema, check

NULL = "must not be null (omit the input to use its default)"


def document(properties, required=(), **more):
    return {"components": {"schemas": {"Input": {"properties": properties, "required": list(required), **more}}}}


def faults(value, **schema):
    try:
        check({"x": value}, InputSchema({"x": schema}))
    except InputInvalid as error:
        return error.message
    return None


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        ("a", {"type": "string"}, None),
        ("a", {"type": "integer"}, "expected integer, got string"),
        (1, {"type": "string"}, "expected string, got integer"),
        (1.5, {"type": "integer"}, "expected integer, got number"),
        (2.0, {"type": "integer"}, None),
        (2, {"type": "number"}, None),
        (True, {"type": "integer"}, "expected integer, got boolean"),
        (1, {"type": "boolean"}, "expected boolean, got integer"),
        ([], {"type": "object"}, "expected object, got array"),
        ({}, {"type": "array"}, "expected array, got object"),
        ([1, "a"], {"type": "array", "items": {"type": "integer"}}, "item 1: expected integer, got string"),
        ([1, None], {"type": "array", "items": {"type": "integer"}}, f"item 1: {NULL}"),
        (None, {"type": "string", "nullable": True}, NULL),
        ("c", {"type": "string", "enum": ["a", "b"]}, "must be one of: a, b"),
        (3, {"type": "integer", "enum": [1, 2]}, "must be one of: 1, 2"),
        (2, {"type": "integer", "enum": [1, 2]}, None),
        (0, {"type": "integer", "minimum": 1}, "must be at least 1, got 0"),
        (5, {"type": "integer", "maximum": 4}, "must be at most 4, got 5"),
        (0.5, {"type": "number", "minimum": 0.75}, "must be at least 0.75, got 0.5"),
        (2_000_000, {"type": "integer", "maximum": 1_000_000}, "must be at most 1000000, got 2000000"),
        (1, {"type": "number", "minimum": 1.0, "maximum": 1.0}, None),
        ("", {"type": "string", "minLength": 1}, "must have at least 1 character, got 0"),
        ("abc", {"type": "string", "maxLength": 2}, "must have at most 2 characters, got 3"),
        ("abc", {"type": "string", "pattern": "^b"}, "must match the pattern ^b"),
        ("abc", {"type": "string", "pattern": "b"}, None),
        ("abc", {"type": "string", "pattern": "(?<broken"}, None),
        ("a", {"anyOf": [{"type": "integer"}, {"type": "string"}]}, None),
        ([], {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "expected integer or string, got array"),
        (None, {}, NULL),
        ("anything", {}, None),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named_with_what_was_expected(value, schema, fault):
    assert faults(value, **schema) == (fault and f'invalid input "x": {fault}')


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        ({"z": 1}, ["a", "b"], 'unknown input "z"; valid inputs are: a, b'),
        ({"y": 1, "z": 1}, ["a"], 'unknown inputs "y", "z"; valid inputs are: a'),
        ({"z": 1}, [], 'unknown input "z"; model does not accept inputs'),
    ],
)
def test_unknown_names_come_with_the_known_ones(given, known, message):
    with pytest.raises(InputInvalid) as caught:
        check(given, InputSchema({name: {} for name in known}))

    assert caught.value.message == message


def test_a_near_miss_gets_the_right_name():
    with pytest.raises(InputInvalid) as caught:
        check({"promt": "x"}, InputSchema({"prompt": {}, "seed": {}}))

    assert caught.value.hint == "Did you mean -i prompt=...?"


def test_everything_that_is_wrong_is_said_at_once():
    schema = InputSchema.of(
        document(
            {"image": {"type": "string", "format": "uri"}, "n": {"type": "integer"}, "t": {"type": "string"}},
            ["image", "t"],
        )
    )

    with pytest.raises(InputInvalid) as caught:
        check({"n": "many", "surprise": 1}, schema)

    assert [(problem.message, problem.hint) for problem in caught.value.problems] == [
        ('unknown input "surprise"; valid inputs are: image, n, t', None),
        ('missing required input "image"', "Add -i image=@FILE."),
        ('missing required input "t"', "Add -i t=VALUE."),
        ('invalid input "n": expected integer, got string', None),
    ]


def test_inputs_stand_in_the_order_of_the_models_signature_with_choices_resolved():
    found = InputSchema.of(
        {
            "components": {
                "schemas": {
                    "Input": {
                        "properties": {
                            "b": {"x-order": 1, "type": "string"},
                            "a": {"x-order": 0, "allOf": [{"$ref": "#/components/schemas/a"}], "default": "x"},
                        }
                    },
                    "a": {"enum": ["x", "y"], "type": "string"},
                    "TrainingInput": {"properties": {"data": {}}},
                }
            }
        }
    )

    assert list(found.properties) == ["a", "b"]
    assert found.properties["a"] == {"enum": ["x", "y"], "type": "string", "x-order": 0, "default": "x"}
    assert list(InputSchema.of({}, component="TrainingInput").properties) == []


def test_a_model_of_the_first_generations_takes_anything():
    schema = InputSchema.of(document({}, additionalProperties=True))

    check({"any": "thing"}, schema)
    with pytest.raises(InputInvalid):
        check({"any": "thing"}, InputSchema.of(document({})))


def test_a_required_name_that_no_property_describes_is_missing_too():
    with pytest.raises(InputInvalid, match='missing required input "ghost"'):
        check({}, InputSchema.of(document({"a": {}}, ["ghost"])))


strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["components", "schemas", "Input", "properties", "required", "x-order", "allOf", "$ref", "a", "anyOf"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["Input", "a"]), strange), strange)
def test_a_schema_in_a_strangers_label_may_be_anything(schemas, components):
    InputSchema.of({"components": {"schemas": schemas}}).without_name()
    InputSchema.of({"components": components}).without_name()


types = {"string": st.text(), "integer": st.integers(), "boolean": st.booleans(), "array": st.lists(st.integers())}


@given(st.sampled_from(sorted(types)), st.sampled_from(sorted(types)), st.data())
def test_a_value_fits_its_own_type_and_no_other(kind, other, data):
    value = data.draw(types[kind])

    assert (faults(value, type=other) is None) == (kind == other)
