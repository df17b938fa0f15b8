"""What a model may return."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
