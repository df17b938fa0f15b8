"""What a return annotation says about the output."""

from __future__ import annotations

import pytest

TEXT = {"type": "string"}
FILE = {"type": "string", "format": "uri"}
STREAM = {"x-cog-array-type": "iterator"}
RECORD = {
    "type": "object",
    "properties": {"a_b": {"type": "integer", "title": "A B"}, "c": {**TEXT, "title": "C"}},
    "required": ["a_b"],
}


def array(items, **more):
    return {"type": "array", "items": items, **more}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", TEXT),
        ("float", {"type": "number"}),
        ("Path", FILE),
        ("cog.File", FILE),
        ("Secret", {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}),
        ("Any", {"type": "object"}),
        ("dict", {"type": "object"}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("Dict[str, List[Path]]", {"type": "object", "additionalProperties": array(FILE)}),
        ("list", array({"type": "object"})),
        ("List", array({"type": "object"})),
        ("list[str]", array(TEXT)),
        ("list[list[float]]", array(array({"type": "number"}))),
        ("Iterator[str]", array(TEXT, **STREAM)),
        ("AsyncIterator[Path]", array(FILE, **STREAM)),
        ("Iterator[List[Path]]", array(array(FILE), **STREAM)),
        ("Generator[str, None, None]", array(TEXT, **STREAM)),
        ("AsyncGenerator[str, None]", array(TEXT, **STREAM)),
        ("Iterator", array({}, **STREAM)),
        ("ConcatenateIterator[str]", array(TEXT, **STREAM, **{"x-cog-array-display": "concatenate"})),
        ("AsyncConcatenateIterator[str]", array(TEXT, **STREAM, **{"x-cog-array-display": "concatenate"})),
        ("ConcatenateIterator", array(TEXT, **STREAM, **{"x-cog-array-display": "concatenate"})),
        ("Optional[str]", {**TEXT, "nullable": True}),
        ("str | None", {**TEXT, "nullable": True}),
        ("Union[str, int, Path]", {"anyOf": [TEXT, {"type": "integer"}, FILE]}),
        ("tuple", array({})),
        ("tuple[int, ...]", array({"type": "integer"})),
        ("Tuple[str, Path]", array({"anyOf": [TEXT, FILE]}, minItems=2, maxItems=2)),
        ("set[str]", array(TEXT)),
        ("Literal['a', 'b']", {**TEXT, "enum": ["a", "b"]}),
        ("Optional[Literal['a']]", {**TEXT, "enum": ["a", None], "nullable": True}),
        ("Annotated[Foo, Opaque]", {"type": "object"}),
        ("None", {}),
    ],
)
def test_a_type_becomes_an_output(models, annotation, expected):
    assert models.output(annotation) == expected


@pytest.mark.parametrize(
    "before",
    [
        "class M(BaseModel):\n  a_b: int\n  c: str = ''",
        "class A(BaseModel):\n  a_b: int\nclass M(A):\n  c: str = 'x'",
        "from pydantic import BaseModel as B, Field as F\nclass M(B):\n  a_b: int = F(ge=1)\n  c: str = F('')",
        "class A(TypedDict):\n  a_b: int\nclass M(A, total=False):\n  c: str",
        "class M(TypedDict):\n  a_b: int\n  c: NotRequired[str]",
        "class M(TypedDict, total=False):\n  a_b: Required[int]\n  c: str",
        "@dataclass\nclass M:\n  a_b: int\n  c: str = ''\n  count: ClassVar[int] = 0",
    ],
)
def test_classes_with_fields_become_objects(models, before):
    assert models.output("M", before) == RECORD
    assert models.output("Iterator[M]", before) == array(RECORD, **STREAM)


def test_a_model_that_contains_itself_is_an_object_there(models):
    found = models.output("M", "class M(BaseModel):\n  parent: 'M' = None\n  children: 'list[M]'")

    assert found["properties"]["parent"] == {"type": "object", "title": "Parent"}
    assert found["properties"]["children"] == array({"type": "object"}, title="Children")


def test_an_iterable_is_a_stream_only_for_a_generator(models):
    assert models.output("Iterable[str]") == array(TEXT)
    assert models.output("Iterable[str]", body="\n  yield 'a'") == array(TEXT, **STREAM)


@pytest.mark.parametrize("annotation", ["np.ndarray", "Image.Image", "torch.Tensor"])
def test_a_class_of_a_library_is_any_value_with_a_warning(models, annotation):
    schema = models.read(f"import numpy as np, torch\nfrom PIL import Image\ndef run() -> {annotation}: ...")

    assert f"'{annotation}' cannot be described" in schema.warnings[0].message
    assert schema.warnings[0].origin.line == 3


@pytest.mark.parametrize(
    ("annotation", "before", "message"),
    [
        ("ConcatenateIterator[int]", "", "ConcatenateIterator element type must be str, got int"),
        ("bytes", "", "unsupported type: bytes is not a supported output type"),
        ("BaseModel", "", "unsupported type: BaseModel is not a supported output type"),
        ("Foo", "", "cannot resolve type 'Foo' - it is not a primitive type"),
        ("M", "class M: pass", "cannot resolve type 'M' - it is not a primitive type"),
        ("M", "class M(BaseModel):\n  x: Foo", "field \"x\": cannot resolve type 'Foo'"),
        ("T", "from nowhere import T", "cannot resolve type 'T' (imported from 'nowhere')"),
        ("3", "", "unsupported type: 3 is not a supported output type"),
    ],
)
def test_what_is_no_output_is_refused(models, annotation, before, message):
    assert models.refused_output(annotation, before).startswith(message)


def test_a_missing_return_annotation_is_refused(models):
    (problem,) = models.refused(
        "import cog\nclass R(cog.BaseRunner):\n  def run(self, x: str):\n    yield x", name="R"
    )

    assert str(problem) == "model.py:3:3 (run): run() has no return annotation"
    assert "Iterator[str]" in problem.hint


@pytest.mark.parametrize("decorator", ["@streaming", "@streaming()", "@cog.streaming", "@c.streaming", "@s"])
def test_streaming_marks_the_route(models, decorator):
    source = "import cog\nimport cog as c\nfrom cog import streaming, streaming as s\nfrom typing import *\n"

    document = models.document(f"{source}{decorator}\ndef run() -> Iterator[str]: ...")

    assert document["paths"]["/predictions"]["post"]["x-cog-streaming"] is True


def test_streaming_of_something_else_than_cog_marks_nothing(models):
    source = "from mine import streaming\nfrom typing import *\n@streaming\ndef run() -> Iterator[str]: ..."

    assert models.read(source).streaming is False


def test_streaming_needs_a_stream(models):
    (problem,) = models.refused("import cog\n@cog.streaming\ndef run() -> str: ...")

    assert problem.message.startswith(
        "@streaming requires Iterator[...], AsyncIterator[...], ConcatenateIterator[...]"
    )
    assert problem.origin.line == 2


@pytest.mark.parametrize(
    ("decorator", "expected"),
    [("@cog.concurrent(max=8)", 8), ("@cog.concurrent", 1), ("@cog.concurrent()", 1), ("", None)],
)
def test_concurrency_is_read(models, decorator, expected):
    schema = models.read(f"import cog\n{decorator}\nasync def run() -> str: ...")

    assert (schema.concurrency, schema.is_async) == (expected, True)


@pytest.mark.parametrize(
    ("decorator", "function", "message"),
    [
        ("@concurrent(8)", "async def", "@concurrent only supports literal integer max=... arguments"),
        ("@concurrent(most=8)", "async def", "@concurrent only supports literal integer max=... arguments"),
        ("@concurrent(max='8')", "async def", "@concurrent max must be an integer literal"),
        ("@concurrent(max=load())", "async def", "@concurrent max must be an integer literal"),
        ("@concurrent(max=0)", "async def", "@concurrent max must be at least 1"),
        ("@concurrent(max=2**40)", "async def", "@concurrent max is too large"),
        ("@concurrent(max=2)", "def", "@concurrent(max > 1) requires an async run() or predict() method"),
    ],
)
def test_a_wrong_concurrency_is_refused(models, decorator, function, message):
    (problem,) = models.refused(f"from cog import concurrent\n{decorator}\n{function} run() -> str: ...")

    assert (problem.message, problem.origin.line) == (message, 2)
