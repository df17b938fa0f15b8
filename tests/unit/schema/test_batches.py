"""Batched methods take and return lists; the schema describes one request."""

from __future__ import annotations

import pytest

from cog_core.config import model as config
from cog_core.errors import SchemaError
from cog_core.schema import Mode, check, read_model, to_openapi
from cog_core.schema import batches as defaults

BEFORE = "import cog\nfrom cog import *\nfrom typing import *\n"
TEXT = {"type": "string"}


def document(models, source, **options):
    return models.document(BEFORE + source, **options)["components"]["schemas"]


@pytest.mark.parametrize("head", ["@cog.batch", "@batch", "@batch()", "@cog.batch(max_size=2, window=1)"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_list_parameter_is_an_input_of_its_item(models, head, kind):
    source = f"{head}\n{kind} run(x: list[str], y: List[Path], z: list[list[int]]) -> list[str]: ..."
    schemas = document(models, source)
    found = schemas["Input"]["properties"]
    assert found["x"]["type"] == "string"
    assert found["y"] == {"type": "string", "format": "uri", "title": "Y", "x-order": 1}
    assert (found["z"]["type"], found["z"]["items"]) == ("array", {"type": "integer"})
    assert schemas["Input"]["required"] == ["x", "y", "z"]
    assert schemas["Output"] == {**TEXT, "title": "Output"}


def test_a_method_of_a_class_is_read_the_same(models):
    source = """
class Runner(BaseRunner):
    @cog.batch
    async def run(self, x: list[int] = Input(default=3, ge=1, le=5, description="how many")) -> list[Path]: ...
"""
    schemas = document(models, source, name="Runner")
    assert schemas["Input"]["properties"]["x"] == {
        "type": "integer",
        "default": 3,
        "minimum": 1.0,
        "maximum": 5.0,
        "description": "how many",
        "title": "X",
        "x-order": 0,
    }
    assert schemas["Output"]["format"] == "uri"


def test_choices_and_optional_inputs_are_those_of_one_request(models):
    source = """
@batch
def run(x: list[Literal["a", "b"]], y: list[Optional[str]], z: list[str] = Input(default="u", choices=["u", "v"])
        ) -> list[list[str]]: ...
"""
    schemas = document(models, source)
    found = schemas["Input"]["properties"]
    assert schemas["x"]["enum"] == ["a", "b"]
    assert (found["y"]["type"], found["y"]["nullable"]) == ("string", True)
    assert (schemas["z"]["enum"], found["z"]["default"]) == (["u", "v"], "u")
    assert schemas["Input"]["required"] == ["x"]
    assert schemas["Output"]["items"] == TEXT


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", None),
        ("@batch", (8, 0.01)),
        ("@batch(max_size=3)", (3, 0.01)),
        ("@batch(window=0)", (8, 0)),
        ("@batch(max_size=N, window=2 * 0.5)", (5, 1.0)),
        ("@concurrent(max=2)\n@batch(max_size=3)", (3, 0.01)),
    ],
)
def test_the_decorator_s_numbers_are_read(models, head, expected):
    schema = models.read(f"{BEFORE}N = 5\n{head}\nasync def run(x: list[str]) -> list[str]: ...")
    assert schema.batch == expected


def test_the_configuration_can_say_what_the_decorator_says(tmp_path):
    (tmp_path / "m.py").write_text("def run(x: list[str]) -> list[int]: ...")
    schema = read_model(tmp_path, "m.py:run", mode=Mode.PREDICT, batched=True)
    found = to_openapi(schema, version="0.22.0")
    check(found, schema)
    assert found["components"]["schemas"]["Input"]["properties"]["x"]["type"] == "string"
    assert found["components"]["schemas"]["Output"]["type"] == "integer"
    (tmp_path / "m.py").write_text("def run(x: str) -> list[int]: ...")
    with pytest.raises(SchemaError, match=r"parameter 'x' of a batched method is a list .* not str"):
        read_model(tmp_path, "m.py:run", mode=Mode.PREDICT, batched=True)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "@batch\ndef run(x: str) -> list[str]: ...",
            "parameter 'x' of a batched method is a list with one item for each request, not str",
            "Write `list[str]`.",
        ),
        (
            "@batch\ndef run(x: Optional[list[str]]) -> list[str]: ...",
            "parameter 'x' of a batched method is a list with one item for each request, not Optional[list[str]]",
            "Write `list[Optional[...]]` for what a request may leave out.",
        ),
        (
            "@batch\ndef run(x: list[str]) -> str: ...",
            "the output of a batched method is a list with one item for each request, not str",
            "Write `list[str]`.",
        ),
        (
            "@batch\ndef run(x: list[str]) -> Iterator[str]: ...",
            "a batched method cannot be a generator",
            "Return a list: `-> list[str]`.",
        ),
        (
            "@batch\ndef run(x: list[str]) -> list[str]:\n    yield []",
            "a batched method cannot be a generator",
            "Return a list: `-> list[str]`.",
        ),
        (
            "@batch(4)\ndef run(x: list[str]) -> list[str]: ...",
            "@batch only takes the arguments max_size and window",
            None,
        ),
        (
            "@batch(size=4)\ndef run(x: list[str]) -> list[str]: ...",
            "@batch only takes the arguments max_size and window",
            None,
        ),
        (
            "@batch(max_size=0)\ndef run(x: list[str]) -> list[str]: ...",
            "@batch max_size must be an integer literal of at least 1",
            None,
        ),
        (
            "@batch(window=-1)\ndef run(x: list[str]) -> list[str]: ...",
            "@batch window must be a number of at least 0",
            None,
        ),
        (
            '@cog.input("x", type=str)\n@batch\ndef run(x) -> list[str]: ...',
            "inputs declared with @cog.input cannot be batched",
            None,
        ),
    ],
)
def test_what_cannot_be_batched_is_refused(models, source, message, hint):
    problems = models.refused(BEFORE + source)
    assert message in [problem.message for problem in problems]
    if hint is not None:
        assert problems[0].hint == hint
    assert all(problem.origin.line for problem in problems)


def test_a_training_cannot_be_batched(models):
    (problem,) = models.refused(f"{BEFORE}@batch\ndef run(x: list[str]) -> list[str]: ...", mode=Mode.TRAIN)
    assert problem.message == "a training cannot be batched"


def test_all_say_the_same_about_what_the_decorator_means_without_arguments():
    from cog import batch
    from cog_runtime.worker import loading

    assert (defaults.SIZE, defaults.WINDOW) == (config.BATCH_SIZE, config.BATCH_WINDOW)
    assert loading.batched(loading._model(lambda x: x, None), {"size": 8}).batch == (defaults.SIZE, defaults.WINDOW)
    assert batch(lambda x: x).__cog_batch__ == (defaults.SIZE, defaults.WINDOW)
