"""``-i name=value`` and ``--json``: what is typed becomes what the schema asks for (reference, section 2.4)."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.errors import InputInvalid
from cog_core.inputs import InputSchema, data_url, from_json, from_pairs

TYPES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "scale": {"type": "number"},
    "flag": {"type": "boolean"},
    "extra": {"type": "object"},
    "anything": {},
    "image": {"type": "string", "format": "uri"},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "texts": {"type": "array", "items": {"type": "string"}},
    "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
    "either": {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]},
}
SCHEMA = InputSchema(TYPES)


def one(pair: str):
    (value,) = from_pairs([pair], SCHEMA).values()
    return value


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("text=hello", "hello"),
        ("text=", ""),
        ("text=a=b=c", "a=b=c"),
        ('text="quoted"', "quoted"),
        ('text=""twice""', '"twice"'),
        ('text="', '"'),
        ('text=""', ""),
        ("text='single'", "'single'"),
        ("text=12", "12"),
        ("text=true", "true"),
        ("text=[1]", "[1]"),
        ("text=two\nlines", "two\nlines"),
        ("count=12", 12),
        ("count=-3", -3),
        ('count="7"', 7),
        ("count=1.5", "1.5"),
        ("count=1_000", "1_000"),
        ("count= 1", " 1"),
        ("count=٣", "٣"),
        ("scale=1.5", 1.5),
        ("scale=2", 2),
        ("scale=1e-3", 0.001),
        ("scale=nan", "nan"),
        ("scale=inf", "inf"),
        ("scale=1e999", "1e999"),
        ("flag=true", True),
        ("flag=false", False),
        ("flag=True", "True"),
        ("flag=1", "1"),
        ('extra={"a": [1, null]}', {"a": [1, None]}),
        ("extra={broken", "{broken"),
        ('extra={"a": NaN}', '{"a": NaN}'),
        ("anything=x", "x"),
        ("unknown=x", "x"),
        ("numbers=[1, 2]", [1, 2]),
        ("numbers=5", [5]),
        ("numbers=[1", ["[1"]),
        ("texts=[1", ["[1"]),
        ("texts=a,b", ["a,b"]),
        ("either=1", 1),
        ("either=1.5", 1.5),
        ("either=hello", "hello"),
    ],
)
def test_a_value_gets_the_type_that_the_schema_wants_or_stays_text(pair, value):
    found = one(pair)

    assert found == value
    assert type(found) is type(value)


def test_a_name_that_comes_several_times_makes_a_list():
    given = from_pairs(["numbers=1", "text=a", "numbers=2", "numbers=x"], SCHEMA)

    assert given == {"numbers": [1, 2, "x"], "text": "a"}
    assert from_pairs(["text=a", "text=b"], SCHEMA) == {"text": ["a", "b"]}


@pytest.mark.parametrize(
    ("properties", "required", "name"),
    [
        (["a", "input"], (), "input"),
        (["a", "b"], ("b",), "b"),
        (["a"], (), "a"),
        (["a", "b"], (), None),
        (["a", "b"], ("a", "b"), None),
        ([], (), None),
    ],
)
def test_a_value_without_a_name_means_the_only_input(properties, required, name):
    schema = InputSchema({each: {"type": "string"} for each in properties}, required)

    if name:
        assert from_pairs(["hello world"], schema) == {name: "hello world"}
    else:
        with pytest.raises(InputInvalid, match="Failed to parse input 'hello', expected format is 'name=value'"):
            from_pairs(["hello"], schema)


def test_a_file_becomes_a_data_url_with_the_type_of_its_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "noend").write_bytes(b"\0\xff")

    assert one(f"image=@{tmp_path}/a.png") == "data:image/png;base64,iVBORw=="
    assert one(f"images=@{tmp_path}/a.png") == ["data:image/png;base64,iVBORw=="]
    assert one(f'text="@{tmp_path}/noend"') == "data:application/octet-stream;base64,AP8="
    assert one(f'extra={{"deep": ["@{tmp_path}/a.png"]}}') == {"deep": ["data:image/png;base64,iVBORw=="]}


def test_the_home_folder_can_be_meant():
    (Path.home() / "a.txt").write_text("a")

    assert one("image=@~/a.txt") == "data:text/plain;base64,YQ=="


def test_bytes_that_are_no_text_are_refused_but_in_the_names_of_files(tmp_path):
    (tmp_path / "a\udcff.txt").write_text("a")

    assert one(f"image=@{tmp_path}/a\udcff.txt") == "data:text/plain;base64,YQ=="
    with pytest.raises(InputInvalid, match=r"Failed to parse input 'text=\\udcff': it is no text"):
        one("text=\udcff")


@pytest.mark.parametrize("name", ["no-such-file", "~no-such-user/x", "."])
def test_files_that_are_not_there_are_all_named_at_once(name):
    with pytest.raises(InputInvalid) as caught:
        from_pairs([f"image=@{name}", "oops", "text=@/also/missing"], SCHEMA)

    assert len(caught.value.problems) == 3
    assert [problem.message.partition(":")[0] for problem in caught.value.problems] == [
        "Failed to parse input 'oops', expected format is 'name=value'",
        'input "image"',
        'input "text"',
    ]
    assert "/also/missing" in caught.value.message


@given(st.binary(max_size=50))
def test_a_data_url_decodes_to_the_bytes_of_the_file(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.bin"
    file.write_bytes(content)

    head, _, body = data_url(file).partition(",")

    assert head == "data:application/octet-stream;base64"
    assert base64.b64decode(body, validate=True) == content


texts = st.text(st.characters(exclude_categories=("Cs",))).filter(lambda text: not text.startswith("@"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(texts, json_values, max_size=4))
def test_json_without_files_is_taken_as_it_is(document):
    assert from_json(json.dumps(document)) == document


@given(st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_as_python_writes_them_are_read_back(count, flag, scale):
    given = from_pairs([f"count={count}", f"scale={scale!r}", f"flag={str(flag).lower()}"], SCHEMA)

    assert given == {"count": count, "scale": scale, "flag": flag}


@settings(max_examples=60)
@given(st.lists(st.text(max_size=20), max_size=4))
def test_no_text_makes_it_fail_otherwise_than_by_saying_what_is_wrong(pairs):
    with contextlib.suppress(InputInvalid):
        from_pairs(pairs, SCHEMA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Failed to parse JSON"),
        ("{", "Failed to parse JSON"),
        ("[" * 100_000, "Failed to parse JSON"),
        ('{"a": NaN}', "Failed to parse JSON: NaN is no number"),
        ('{"a": -Infinity}', "Failed to parse JSON"),
        ("[1]", "Failed to parse JSON: expected an object, got array"),
        ('"a"', "expected an object, got string"),
        ("null", "expected an object, got null"),
        ("true", "expected an object, got boolean"),
        ("1.5", "expected an object, got number"),
        ('{"a": "@/no/such"}', "cannot read /no/such: No such file or directory"),
        ('{"a": "@a\\u0000b"}', "cannot read a"),
        ('{"a": {"b": ["@\\ud800"]}}', "cannot read"),
    ],
)
def test_json_that_cannot_be_inputs_is_refused_in_one_sentence(text, message):
    with pytest.raises(InputInvalid) as caught:
        from_json(text)

    assert message in caught.value.message


def test_files_in_json_are_read_wherever_they_stand(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    url = "data:text/plain;base64,YQ=="
    file = f"@{tmp_path}/a.txt"

    assert from_json(json.dumps({"a": file, "b": [file, {"c": file}]})) == {"a": url, "b": [url, {"c": url}]}
