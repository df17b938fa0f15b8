"""Every example of docs/reference/sdk.md: it is compiled, described, and answers what the page says."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import cog
from cog_core.schema import Mode, check, read_model, to_openapi

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "sdk.md").read_text("utf-8")
METRICS = {"tokens": {"input": 2}, "letters": 3, "words": ["a", "bc"], "model": "tiny", "done": 1.0}


@attrs.frozen
class Example:
    """A block of the page, and what a request to it is answered."""

    source: str
    inputs: dict[str, Any]
    output: Any

    @property
    def name(self) -> str:
        return "Runner" if "class Runner" in self.source else "run"


def examples() -> list[Example]:
    found = re.findall(r"```python\n((?:(?!```)[\s\S])*)```\n\n`(\{.*\})` gives `(.*)`\n", PAGE)
    return [Example(source, json.loads(inputs), json.loads(output)) for source, inputs, output in found]


EXAMPLES = examples()


def test_each_block_of_the_page_is_an_example_with_an_answer() -> None:
    assert len(EXAMPLES) == PAGE.count("```python")
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_is_valid_and_has_a_schema(tmp_path: Path, example: Example) -> None:
    compile(example.source, "run.py", "exec")
    (tmp_path / "run.py").write_text(example.source)
    schema = read_model(tmp_path, f"run.py:{example.name}", mode=Mode.PREDICT)
    check(to_openapi(schema, version="0.22.0"), schema)
    assert set(example.inputs) <= {field.name for field in schema.inputs}
    imported = {
        alias.name
        for node in ast.walk(ast.parse(example.source))
        if isinstance(node, ast.ImportFrom) and node.module == "cog"
        for alias in node.names
    }
    assert imported <= set(dir(cog))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_answers_as_the_page_says(serve: Servers, example: Example) -> None:
    source = example.source
    if example.name == "run":
        source += "\n\nRunner = run\n"
    server = serve(source)
    answer = server.predict(**example.inputs)
    assert (answer["status"], answer["output"]) == ("succeeded", example.output), answer
    if "tokens.input" in source:
        assert METRICS.items() <= answer["metrics"].items()
        assert "draft" not in answer["metrics"]


@pytest.mark.parametrize("name", dir(cog))
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", PAGE), name


@pytest.mark.parametrize(
    "name", ["record_metric", "scope.batch", "get_secret_value", "healthcheck", "default_factory", "auto_dataclass"]
)
def test_every_member_is_on_the_page(name: str) -> None:
    assert name in PAGE
