"""Every kind of value that a model may return: alone, and from generators of both kinds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

PACKAGES = ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection")
SOURCE = """
    import dataclasses, datetime, enum, io, pathlib, tempfile
    from typing import Any, AsyncIterator, Iterator, List, Optional
    import pydantic
    import pydantic.v1
    import cog

    class Mood(enum.Enum):
        GOOD = "good"

    @dataclasses.dataclass
    class Point:
        x: int
        mood: Mood = Mood.GOOD

    class Inner(pydantic.BaseModel):
        points: List[Point]

    class Two(pydantic.BaseModel):
        x: int
        when: datetime.date
        file: cog.Path
        key: cog.Secret
        other: pydantic.SecretStr
        inner: Inner
        nothing: Optional[int] = None

    class One(pydantic.v1.BaseModel):
        x: int
        mood: Mood
        file: cog.Path

    class Ours(cog.BaseModel):
        text: str
        two: Two

    class Array:
        ndim = 2

        def tolist(self):
            return [[1, 2], [3, 4]]

    class Number:
        ndim = 0

        def tolist(self):
            return 2.5

    def values():
        path = cog.Path(tempfile.mkdtemp()) / "a.txt"
        path.write_text("abc")
        two = Two(x=1, when="2026-01-02", file=path, key="hidden", other="hidden", inner=Inner(points=[Point(2)]))
        return {
            "enum": Mood.GOOD,
            "dataclass": Point(1),
            "pydantic 2": two,
            "pydantic 1": One(x=1, mood="good", file=path),
            "ours": Ours("t", two),
            "path": path,
            "pathlib": pathlib.Path(path),
            "open file": open(path, "rb"),
            "text file": open(path),
            "tuple": (1, Mood.GOOD, Point(1)),
            "set": {3},
            "frozenset": frozenset(["a"]),
            "inner generator": {"items": (Point(n) for n in range(2))},
            "dict": {"a": {"b": [path, Mood.GOOD, None]}},
            "time": datetime.datetime(2026, 1, 2, 3, 4, 5),
            "array": Array(),
            "number": Number(),
            "secret": cog.Secret("hidden"),
            "bool": True,
            "none": None,
        }
    """
ONE = SOURCE + ("\n    class Runner:\n        def run(self, kind: str) -> Any:\n            return values()[kind]\n")
MANY = {
    "sync": "def run(self) -> Iterator[Any]:\n yield from values().values()",
    "async": "async def run(self) -> AsyncIterator[Any]:\n for each in values().values():\n  yield each",
    "list": "def run(self) -> List[Any]:\n return list(values().values())",
    "iterator": "def run(self) -> Iterator[Any]:\n return map(lambda each: each, values().values())",
}
URL = "data:text/plain;base64,YWJj"
GOOD = {"x": 1, "mood": "good"}
TWO = {
    "x": 1,
    "when": "2026-01-02",
    "file": URL,
    "key": "**********",
    "other": "**********",
    "inner": {"points": [{"x": 2, "mood": "good"}]},
    "nothing": None,
}
EXPECTED: dict[str, Any] = {
    "enum": "good",
    "dataclass": GOOD,
    "pydantic 2": TWO,
    "pydantic 1": {**GOOD, "file": URL},
    "ours": {"text": "t", "two": TWO},
    "path": URL,
    "pathlib": URL,
    "open file": URL,
    "text file": URL,
    "tuple": [1, "good", GOOD],
    "set": [3],
    "frozenset": ["a"],
    "inner generator": {"items": [{"x": 0, "mood": "good"}, GOOD]},
    "dict": {"a": {"b": [URL, "good", None]}},
    "time": "2026-01-02T03:04:05",
    "array": [[1, 2], [3, 4]],
    "number": 2.5,
    "secret": "**********",
    "bool": True,
    "none": None,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with pydantic 2, which also brings pydantic 1, and nothing else of the tests' environment."""
    folder = tmp_path_factory.mktemp("packages")
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            pytest.skip(f"{name} is not here")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return str(folder)


@pytest.fixture(scope="module")
def server(keep: Servers, packages: str) -> Server:
    return keep(ONE, PYTHONPATH=packages)


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_value_of_each_kind_becomes_json(server: Server, kind: str) -> None:
    answer = server.predict(kind=kind)
    assert answer["status"] == "succeeded", answer
    assert answer.get("output") == EXPECTED[kind]


@pytest.mark.parametrize("how", MANY)
def test_generators_yield_values_of_all_kinds(serve: Servers, packages: str, how: str) -> None:
    method = MANY[how].replace("\n", "\n            ")
    server = serve(f"{SOURCE}\n    class Runner:\n        {method}\n", PYTHONPATH=packages)
    assert server.output() == list(EXPECTED.values())
    assert "hidden" not in server.log
