"""What a model may return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

RECORDS = """
    import datetime, enum
    from typing import Any, List, Optional
    from cog import BaseModel

    class Mood(enum.Enum):
        GOOD = "good"

    class Box(BaseModel):
        left: int
        right: int = 3

    class Output(BaseModel):
        text: str
        boxes: List[Box]
        score: Optional[float] = None
        extra: Any = None

    class Runner:
        def run(self, n: int) -> Output:
            extra = {"when": datetime.date(2026, 1, 2), "mood": Mood.GOOD, 3: {1}, "nan": float("nan"), "t": (1, 2)}
            return Output(text="x" * n, boxes=[Box(left=n)], extra=extra)
    """
ANY = """
    import dataclasses
    from typing import Any

    @dataclasses.dataclass
    class Point:
        x: int

    class Lookalike:
        def model_dump(self):
            return {"dumped": True}

    class Array:
        def tolist(self):
            return [[1, 2]]

    class Strange:
        pass

    class Runner:
        def run(self, what: str) -> Any:
            return {
                "none": None, "point": Point(1), "pydantic": Lookalike(), "array": Array(), "long": "é" * 40000,
                "bytes": b"x", "strange": Strange(), "keys": {"b": 1, "a": 2}, "half": "\\ud800",
            }[what]
    """


def test_records_become_objects(serve: Servers) -> None:
    server = serve(RECORDS)
    assert server.output(n=2) == {
        "text": "xx",
        "boxes": [{"left": 2, "right": 3}],
        "score": None,
        "extra": {"when": "2026-01-02", "mood": "good", "3": [1], "nan": None, "t": [1, 2]},
    }
    described = server.get("/openapi.json")["components"]["schemas"]["Output"]
    assert list(described["properties"]) == ["text", "boxes", "score", "extra"]


def test_values_of_many_kinds_become_json(serve: Servers) -> None:
    server = serve(ANY)
    assert server.output(what="none") is None
    assert server.output(what="point") == {"x": 1}
    assert server.output(what="pydantic") == {"dumped": True}
    assert server.output(what="array") == [[1, 2]]
    assert server.output(what="long") == "é" * 40000
    assert list(server.output(what="keys")) == ["b", "a"]
    assert server.output(what="half") == "?"
    assert "not JSON serializable" in server.predict(what="bytes")["error"]
    assert "Strange is not JSON serializable" in server.predict(what="strange")["error"]
    assert "KeyError" in server.predict(what="nothing")["error"]


SETS = """
    from typing import List

    class Runner:
        def run(self, kind: str) -> List[int]:
            return {"set": {1}, "frozenset": frozenset([1]), "list": [1, 2]}[kind]
    """


def test_sets_and_arrays_are_lists_of_their_items(serve: Servers) -> None:
    server = serve(SETS)
    assert [server.output(kind=kind) for kind in ("set", "frozenset", "list")] == [[1], [1], [1, 2]]


UNSENDABLE = """
    import asyncio
    from typing import Any
    from cog import Path{imports}

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Odd(Exception):
        def __str__(self):
            return 5

    class Runner:
        {decorator}
        {kind} run(self, what: str) -> Any:
            if what == "mute":
                raise Mute
            if what == "odd":
                raise Odd
            if what == "key":
                return {{"\\ud800": "x" * 20_000}}
            if what == "name":
                path = Path("\\udcff.txt")
                path.write_text("abc")
                return path
            return what
    """
KINDS = [("def", "", ""), ("async def", "@concurrent(max=2)", ", concurrent")]


@pytest.mark.parametrize(("kind", "decorator", "imports"), KINDS, ids=["blocking", "async"])
def test_an_answer_that_cannot_be_sent_is_a_failure_of_its_own(
    serve: Servers, kind: str, decorator: str, imports: str
) -> None:
    server = serve(UNSENDABLE.format(kind=kind, decorator=decorator, imports=imports))
    assert server.output(what="name") == "data:text/plain;base64,YWJj"
    assert server.predict(what="mute")["error"] == "Prediction failed: Mute: <exception str() failed>"
    assert server.predict(what="odd")["error"] == "Prediction failed: Odd: <exception str() failed>"
    assert server.predict(what="key")["error"].startswith("Prediction failed: UnicodeEncodeError: ")
    health = server.health
    assert (health["status"], health["runtime"]["running"], health["runtime"]["restarts"]) == ("READY", 0, 0)


BATCHED = """
    import asyncio
    from typing import Any, List
    from cog import Path, batch

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Runner:
        @batch(max_size=4, window=0.3)
        {kind} run(self, what: List[str]) -> List[Any]:
            if "all" in what:
                raise Mute
            odd = {{"key": {{"\\ud800": "x" * 20_000}}, "mute": Mute()}}
            return [odd.get(each, each) for each in what]
    """


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_answer_that_cannot_be_sent_leaves_the_rest_of_its_batch_alone(serve: Servers, kind: str) -> None:
    server = serve(BATCHED.format(kind=kind))
    asked = [server.later(what=what) for what in ("fine", "key", "mute")]
    fine, key, mute = [each.result for each in asked]
    assert fine["output"] == "fine"
    assert key["error"].startswith("Prediction failed: UnicodeEncodeError: ")
    assert mute["error"] == "Prediction failed: Mute: <exception str() failed>"
    assert server.predict(what="all")["error"] == "Prediction failed: Mute: <exception str() failed>"
    assert server.health["runtime"]["restarts"] == 0
