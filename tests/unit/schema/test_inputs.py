"""What an annotation and a default say about an input."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.schema import Default, dumps, to_openapi

TEXT = {"type": "string"}
FILE = {"type": "string", "format": "uri"}
SECRET = {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
OBJECT = {"type": "object"}
ENUM = "class E(str, enum.Enum):\n  A = 'a'\n  B = 'b'"


def array(items):
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", TEXT),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("Path", FILE),
        ("cog.Path", FILE),
        ("pathlib.Path", FILE),
        ("cog.File", FILE),
        ("Secret", SECRET),
        ("Any", OBJECT),
        ("dict", OBJECT),
        ("Dict[str, int]", OBJECT),
        ("dict[str, list[int]]", OBJECT),
        ("list", array({})),
        ("List", array({})),
        ("list[str]", array(TEXT)),
        ("typing.List[Path]", array(FILE)),
        ("list[Secret]", array(SECRET)),
        ("List[Any]", array(OBJECT)),
        ("list[list[str]]", array(array(TEXT))),
        ("str | list[str]", {"anyOf": [TEXT, array(TEXT)]}),
        ("Union[int, dict]", {"anyOf": [{"type": "integer"}, OBJECT]}),
        ("Annotated[int, 'a number']", {"type": "integer"}),
        ("Annotated[Foo, Opaque]", OBJECT),
        ("Annotated[list[Foo], cog.Opaque]", array(OBJECT)),
        ("'str'", TEXT),
        ("'list[Path]'", array(FILE)),
        ("list['str']", array(TEXT)),
    ],
)
def test_a_type_becomes_a_required_input(models, annotation, expected):
    assert models.input(annotation) == {**expected, "required": True}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Optional[str]", TEXT),
        ("str | None", TEXT),
        ("None | str", TEXT),
        ("Union[None, Path]", FILE),
        ("'Optional[Path]'", FILE),
        ("Optional[list[Path]]", array(FILE)),
        ("Annotated[Optional[list[Foo]], Opaque]", array(OBJECT)),
    ],
)
def test_an_optional_type_is_nullable_and_not_required(models, annotation, expected):
    assert models.input(annotation) == {**expected, "nullable": True}
    assert models.input(annotation, "None") == {**expected, "nullable": True, "default": None}


def test_each_member_of_a_nullable_union_is_nullable_and_the_input_stays_required(models):
    members = [{"type": "integer", "nullable": True}, {**TEXT, "nullable": True}]

    assert models.input("Union[int, str, None]") == {"anyOf": members, "nullable": True, "required": True}


@pytest.mark.parametrize(
    ("before", "annotation", "choices"),
    [
        ("", "Literal['a', 'b']", {"enum": ["a", "b"], "type": "string"}),
        ("", "Literal[1, 2]", {"enum": [1, 2], "type": "integer"}),
        ("", "Literal[1, 0.5]", {"enum": [1, 0.5], "type": "number"}),
        ("", "Literal['a', 1]", {"enum": ["a", 1]}),
        ("", "Literal['a'] | Literal['b']", {"enum": ["a", "b"], "type": "string"}),
        ("T = Literal['a']", "T", {"enum": ["a"], "type": "string"}),
        (ENUM, "E", {"enum": ["a", "b"], "type": "string"}),
        ("class E(enum.IntEnum):\n  A = enum.auto()\n  B = 7\n  C = enum.auto()", "E", {"enum": [1, 7, 8]}),
        ("class E(enum.StrEnum):\n  Red = enum.auto()", "E", {"enum": ["red"], "type": "string"}),
    ],
)
def test_fixed_values_become_a_component_of_the_parameters_name(models, before, annotation, choices):
    document = models.document(
        f"import enum\nfrom typing import *\n{before}\ndef run(quality: {annotation}) -> str: ..."
    )
    schemas = document["components"]["schemas"]

    assert schemas["Input"]["properties"]["quality"] == {
        "allOf": [{"$ref": "#/components/schemas/quality"}],
        "x-order": 0,
    }
    component = schemas["quality"]
    assert {**component, **choices} == component
    assert (component["title"], component["description"]) == ("quality", "An enumeration.")


@pytest.mark.parametrize(
    "choices",
    [
        "['a', 'b']",
        "('a', 'b')",
        "NAMES",
        "list(TABLE)",
        "list(TABLE.keys())",
        "[*TABLE]",
        "NAMES[:1] + ['b']",
        "[name.lower() for name in ('A', 'B')]",
        "sorted({'b', 'a'})",
        "[row[0] for row in ROWS]",
        "'a b'.split()",
        "[E.A, E.B]",
        "[e.value for e in E]",
        "list(OTHER.values())",
    ],
)
def test_choices_may_be_worked_out_from_constants(models, choices):
    source = (
        f"import enum\nfrom cog import Input\n{ENUM}\nNAMES = ['a']\nNAMES += ['b']\n"
        "TABLE = {'a': load(), 'b': 2}\n"
        "OTHER = dict(x='a', y='b')\nROWS = [('a', 1), ('b', 2)]\n"
        f"def run(x: str = Input(choices={choices})) -> str: ..."
    )

    assert models.read(source).inputs[0].choices == ("a", "b")


def test_a_list_with_choices_keeps_its_type(models):
    found = models.input("list[str]", "Input(choices=['a', 'b'], default=['a'])")

    assert found == {"type": "array", "items": {"$ref": "#/components/schemas/x"}, "default": ["a"]}


def test_empty_choices_are_none(models):
    assert models.input("str", "Input(choices=[])") == {**TEXT, "required": True}


def test_a_positional_argument_of_input_is_the_default(models):
    assert models.input("str", "Input('hello', description='Words')") == {
        **TEXT,
        "default": "hello",
        "description": "Words",
    }


def test_none_as_default_of_a_plain_type_leaves_it_required_and_says_so(models):
    schema = models.read("from cog import Input\ndef run(x: int = Input(default=None)) -> str: ...")

    assert (schema.inputs[0].required, schema.inputs[0].default) == (True, None)
    assert "'x': default None does not make it optional" in schema.warnings[0].message


def test_none_as_default_makes_a_secret_optional(models):
    assert models.input("Secret", "None") == {**SECRET, "nullable": True, "default": None}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("ge=0, le=2", {"minimum": 0.0, "maximum": 2.0}),
        ("ge=-0.5, le=LIMIT", {"minimum": -0.5, "maximum": 8.0}),
        ("min_length=1, max_length=5, regex=r'^\\d+$'", {"minLength": 1, "maxLength": 5, "pattern": "^\\d+$"}),
        ("description='a' + f' {LIMIT} ' 'b'", {"description": "a 8 b"}),
        ("deprecated=True", {"deprecated": True}),
        ("deprecated=False, description=None", {}),
    ],
)
def test_arguments_of_input_become_keys_of_the_schema(models, arguments, expected):
    kind = "int" if "ge" in arguments else "str"

    found = models.input(kind, f"Input({arguments})", before="LIMIT = 2 ** 3")

    assert {key: value for key, value in found.items() if key not in {"type", "required"}} == expected


def test_accept_is_for_files_and_lists_of_files(models):
    assert models.input("Path", "Input(accept='image/*')")["x-cog-accept"] == "image/*"
    assert models.input("list[Path]", "Input(accept='.pdf')")["x-cog-accept"] == ".pdf"
    assert models.refused_input("str", "Input(accept='image/*')") == (
        "accept is only valid on Path or File inputs (parameter 'x')"
    )


@pytest.mark.parametrize("spelling", ["Inputs.width", "WIDTH", "Inputs.make(64)", "make()", "make(default=64)"])
def test_shared_definitions_of_inputs_are_followed(models, spelling):
    shared = (
        "WIDTH = Input(default=64, ge=1)\n"
        "def make(default=64): return Input(default=default, ge=1)\n"
        "class Inputs:\n"
        "  width = Input(default=64, ge=1)\n"
        "  @staticmethod\n"
        "  def make(default, least=1): return Input(default=default, ge=least)\n"
    )

    assert models.input("int", spelling, shared) == {"type": "integer", "default": 64, "minimum": 1.0}


def test_a_default_of_input_that_only_a_run_would_show_makes_it_optional_with_a_warning(models):
    schema = models.read("import os\nfrom cog import Input\ndef run(x: str = Input(os.getcwd())) -> str: ...")

    assert (schema.inputs[0].required, schema.inputs[0].default) == (False, None)
    (warning,) = schema.warnings
    assert (warning.origin.line, warning.origin.column) == (3, 24)


def test_a_misspelt_argument_is_pointed_out(models):
    schema = models.read("from cog import Input\ndef run(x: str = Input(defaul='a')) -> str: ...")

    assert schema.warnings[0].hint == "Did you mean default?"


def test_choices_of_another_type_are_pointed_out(models):
    schema = models.read("from cog import Input\ndef run(x: int = Input(choices=['1', '2'])) -> str: ...")

    assert schema.inputs[0].choices == ("1", "2")
    assert schema.warnings[0].message == "parameter 'x': '1' of its choices is no integer"


def test_an_argument_that_only_a_run_would_show_is_left_out_with_a_warning(models):
    schema = models.read("from cog import Input\ndef run(x: int = Input(ge=least(), **more())) -> str: ...")

    assert schema.inputs[0].minimum is None
    assert ["ge cannot be known" in warning.message for warning in schema.warnings] == [False, True]


@pytest.mark.parametrize("annotation", ["Secret", "Optional[Secret]"])
def test_a_default_of_a_secret_is_pointed_out(models, annotation):
    schema = models.read(f"from cog import *\nfrom typing import *\ndef run(x: {annotation} = 'abc') -> str: ...")

    assert schema.warnings[0].message == "parameter 'x': everybody who has the image can read its default"


def test_file_is_deprecated(models):
    schema = models.read("import cog\ndef run(x: cog.File) -> str: ...")

    assert str(schema.warnings[0]) == "model.py:2:12 (x): 'cog.File' is deprecated"


@pytest.mark.parametrize(
    ("name", "title"),
    [("max_new_tokens", "Max New Tokens"), ("_x", " X"), ("topK", "TopK"), ("äpfel", "Äpfel"), ("a__b", "A  B")],
)
def test_a_title_is_made_from_the_name(models, name, title):
    document = models.document(f"def run({name}: str) -> str: ...")

    assert document["components"]["schemas"]["Input"]["properties"][name]["title"] == title


def test_untyped_parameters_without_default_and_untyped_stars_are_skipped(models):
    schema = models.read("def run(a: str, b, *args, c: int, **kwargs) -> str: ...")

    assert [field.name for field in schema.inputs] == ["a", "c"]
    assert "parameter 'b' on run has no type annotation" in schema.warnings[0].message


NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
VALUES = {
    "str": st.text(st.characters(codec="utf-8"), max_size=30),
    "int": st.integers(-(2**64), 2**64),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "list[str]": st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=4),
    "list[int]": st.lists(st.integers(), max_size=4),
    "dict": st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: {"value": value}),
    "Optional[int]": st.none() | st.integers(),
}
DEFAULTS = st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind]))


def _plain(value):
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(DEFAULTS, st.sampled_from(["{}", "Input({})", "Input(default={})", "Input(default=SHARED)", "SHARED"]))
@settings(max_examples=40)
def test_any_literal_default_reaches_the_document(models, default, form):
    kind, value = default
    written = form.format(repr(value))
    source = (
        f"from cog import Input\nfrom typing import *\nSHARED = {value!r}\ndef run(x: {kind} = {written}) -> str: ..."
    )

    document = models.document(source)

    found = document["components"]["schemas"]["Input"]["properties"]["x"]["default"]
    assert _plain(found) == value
    assert type(found) is type(value) or isinstance(value, list)


@given(st.lists(st.tuples(NAMES, DEFAULTS), unique_by=lambda pair: pair[0], max_size=8))
@settings(max_examples=40)
def test_the_order_of_inputs_is_that_of_the_source(models, inputs):
    parameters = ", ".join(f"{name}: {kind} = {value!r}" for name, (kind, value) in inputs)
    schema = models.read(
        f"from typing import *\ndef run(*, {parameters}) -> str: ..." if inputs else "def run() -> str: ..."
    )

    properties = to_openapi(schema, version="1")["components"]["schemas"]["Input"]["properties"]

    assert list(properties) == [name for name, _ in inputs]
    assert [found["x-order"] for found in properties.values()] == list(range(len(inputs)))


def test_a_default_of_other_numbers_keeps_its_kind(models):
    schema = models.read("def run(a: int = 0x10, b: float = 1, c: float = -2.5e3, d: int = 1_000) -> str: ...")

    assert [field.default for field in schema.inputs] == [Default(16), Default(1), Default(-2500.0), Default(1000)]
    assert '"default":-2500' in dumps(to_openapi(schema, version="1"))
