"""Outputs that come one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.conftest import Serve

HEAD = "from typing import AsyncIterator, Iterator, List\nfrom cog import AsyncConcatenateIterator, ConcatenateIterator"


def model(method: str) -> str:
    return f"{HEAD}\nclass Runner:\n    {method}\n"


@pytest.mark.parametrize(
    ("method", "output"),
    [
        ("def run(self, n: int) -> Iterator[int]:\n        yield from range(n)", [0, 1]),
        ("def run(self, n: int) -> ConcatenateIterator[str]:\n        yield from 'ab'[:n]", ["a", "b"]),
        ("def run(self, n: int) -> Iterator[str]:\n        return iter(['x'] * n)", ["x", "x"]),
        ("async def run(self, n: int) -> AsyncIterator[int]:\n        for i in range(n): yield i", [0, 1]),
        ("async def run(self, n: int) -> AsyncConcatenateIterator[str]:\n        for i in 'ab': yield i", ["a", "b"]),
        ("def run(self, n: int) -> List[str]:\n        return ['only']", ["only"]),
        ("def run(self, n: int) -> list[int]:\n        return ()", []),
        ("def run(self, n: int) -> Iterator[int]:\n        yield from ()", []),
    ],
)
def test_the_answer_holds_all_items(serve: Serve, method: str, output: list[object]) -> None:
    assert serve(model(method)).output(n=2) == output


def test_an_iterator_that_fails_fails_the_prediction(serve: Serve) -> None:
    body = serve(model("def run(self, n: int) -> Iterator[float]:\n        yield n / n")).predict(n=0)
    assert body["status"] == "failed"
    assert "ZeroDivisionError" in body["error"]
    assert "output" not in body


def test_a_model_can_be_a_function(serve: Serve) -> None:
    source = "class Runner:\n    def run(self) -> str: ...\n\ndef run(n: int) -> int:\n    return n + 1\n"
    server = serve(source, COG_PREDICT_TYPE_STUB="predict.py:run", COG_SCHEMA="/nonexistent")
    assert server.output(n=2) == 3
    assert server.request("GET", "/openapi.json").status == 503
