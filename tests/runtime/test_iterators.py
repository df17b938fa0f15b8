"""Outputs that come one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

HEAD = (
    "from typing import AsyncIterator, Iterator, List\nfrom cog import AsyncConcatenateIterator, ConcatenateIterator"
)


def model(method: str) -> str:
    return f"{HEAD}\nclass Runner:\n    {method}\n"


OUTPUTS = [
    ("def run(self, n: int) -> Iterator[int]:\n        yield from range(n)", [0, 1]),
    ("def run(self, n: int) -> ConcatenateIterator[str]:\n        yield from 'ab'[:n]", ["a", "b"]),
    ("def run(self, n: int) -> Iterator[str]:\n        return iter(['x'] * n)", ["x", "x"]),
    ("async def run(self, n: int) -> AsyncIterator[int]:\n        for i in range(n): yield i", [0, 1]),
    ("async def run(self, n: int) -> AsyncConcatenateIterator[str]:\n        for i in 'ab': yield i", ["a", "b"]),
    ("def run(self, n: int) -> List[str]:\n        return ['only']", ["only"]),
    ("def run(self, n: int) -> list[int]:\n        return ()", []),
    ("def run(self, n: int) -> Iterator[int]:\n        yield from ()", []),
]


def test_the_answer_holds_all_items(serve: Servers) -> None:
    servers = [serve(model(method), wait=False) for method, _ in OUTPUTS]
    for server in servers:
        server.wait_for("READY")
    assert [server.output(n=2) for server in servers] == [output for _, output in OUTPUTS]


def test_an_iterator_that_fails_fails_the_prediction(serve: Servers) -> None:
    body = serve(model("def run(self, n: int) -> Iterator[float]:\n        yield n / n")).predict(n=0)
    assert body["status"] == "failed"
    assert "ZeroDivisionError" in body["error"]
    assert "output" not in body


def test_a_model_can_be_a_function(serve: Servers) -> None:
    source = "class Runner:\n    def run(self) -> str: ...\n\ndef run(n: int) -> int:\n    return n + 1\n"
    server = serve(source, COG_PREDICT_TYPE_STUB="predict.py:run", COG_SCHEMA="/nonexistent")
    assert server.output(n=2) == 3
    assert server.request("GET", "/openapi.json").status == 503
