"""What a model gets for what a request says, annotation by annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import enum, os, pathlib
    from typing import Annotated, Any, Dict, List, Literal, Optional, TypedDict, Union
    import cog
    from cog import File, Input, Path, Secret
    from cog import Path as CogPath

    class Mood(enum.Enum):
        GOOD = "good"

    class Options(TypedDict):
        deep: bool

    Paths = List[Path]

    def shown(value: Any) -> Any:
        if isinstance(value, Secret):
            return ["Secret", str(value), value.get_secret_value()]
        if isinstance(value, pathlib.PurePath):
            return [type(value).__name__, os.path.isfile(value), value.suffix, value.read_text()]
        if hasattr(value, "read"):
            return ["file", value.read().decode()]
        if isinstance(value, list):
            return [shown(each) for each in value]
        return [type(value).__name__, value]

    class Runner:
        def run(
            self,
            text: str = "",
            whole: int = 0,
            number: float = 0.0,
            truth: bool = False,
            maybe: Optional[str] = None,
            texts: Optional[List[str]] = None,
            rows: Optional[List[List[int]]] = None,
            mapping: Optional[dict] = None,
            counts: Optional[Dict[str, int]] = None,
            records: Optional[List[dict]] = None,
            options: Optional[Options] = None,
            either: Union[int, str] = 0,
            literal: Literal["a", "b"] = "a",
            mood: Mood = "good",
            path: Optional[Path] = None,
            standard: Optional[pathlib.Path] = None,
            renamed: "Optional[CogPath]" = None,
            noted: Annotated[Optional[Path], "a note"] = None,
            paths: Optional[Paths] = None,
            handle: Optional[File] = None,
            handles: Optional[List[File]] = None,
            secret: Optional[Secret] = None,
        ) -> dict:
            given = {name: value for name, value in locals().items() if name != "self"}
            return {name: shown(value) for name, value in given.items()}
    """
TEXT = "data:text/plain;base64,YWJj"
PLAIN = "data:,a%20b"
FILE = ["Path", True, ".txt", "abc"]
CASES: dict[str, tuple[str, Any, Any]] = {
    "a text": ("text", "ä", ["str", "ä"]),
    "a text that is a URL": ("text", TEXT, ["str", TEXT]),
    "a long text": ("text", "x" * 50_000, ["str", "x" * 50_000]),
    "a whole number": ("whole", 7, ["int", 7]),
    "a large number": ("whole", 2**53, ["int", 2**53]),
    "a whole number for a float": ("number", 7, ["int", 7]),
    "a number": ("number", 0.5, ["float", 0.5]),
    "a truth": ("truth", True, ["bool", True]),
    "an optional text that is a URL": ("maybe", TEXT, ["str", TEXT]),
    "texts that are URLs": ("texts", [TEXT, "x"], [["str", TEXT], ["str", "x"]]),
    "lists of lists": ("rows", [[1], []], [[["int", 1]], []]),
    "an object": ("mapping", {"a": {"b": [TEXT, None]}}, ["dict", {"a": {"b": [TEXT, None]}}]),
    "an object of numbers": ("counts", {"a": 1}, ["dict", {"a": 1}]),
    "a list of objects": ("records", [{"a": TEXT}, {}], [["dict", {"a": TEXT}], ["dict", {}]]),
    "a typed object": ("options", {"deep": True, "more": 1}, ["dict", {"deep": True, "more": 1}]),
    "one of two types": ("either", "x", ["str", "x"]),
    "the other of two types": ("either", 3, ["int", 3]),
    "a literal": ("literal", "b", ["str", "b"]),
    "a member of an enumeration": ("mood", "good", ["str", "good"]),
    "a file": ("path", TEXT, FILE),
    "a file without base64": ("path", PLAIN, ["Path", True, "", "a b"]),
    "a file for a path of the standard library": ("standard", TEXT, FILE),
    "a file for a type in quotes by another name": ("renamed", TEXT, FILE),
    "a file for an annotated type": ("noted", TEXT, FILE),
    "several files": ("paths", [TEXT, TEXT], [FILE, FILE]),
    "no files": ("paths", [], []),
    "an open file": ("handle", TEXT, ["file", "abc"]),
    "a secret": ("secret", "x", ["Secret", "**********", "x"]),
    "a secret that is a URL": ("secret", TEXT, ["Secret", "**********", TEXT]),
}


@pytest.fixture(scope="module")
def server(keep: Servers) -> Server:
    return keep(SOURCE)


@pytest.mark.parametrize("case", CASES)
def test_a_value_becomes_what_the_annotation_says(server: Server, case: str) -> None:
    name, sent, received = CASES[case]
    found = server.output(**{name: sent})[name]
    if found[:1] == ["PosixPath"]:
        found[0] = "Path"
    assert found == received


def test_what_a_request_leaves_out_is_the_default(server: Server) -> None:
    found = server.output()
    assert found["text"] == ["str", ""]
    assert found["path"] == ["NoneType", None]
    assert found["literal"] == ["str", "a"]


def test_files_that_are_open_come_in_lists_too(server: Server) -> None:
    assert server.output(handles=[TEXT, TEXT])["handles"] == [["file", "abc"]] * 2


def test_annotations_that_cannot_be_resolved_convert_nothing(serve: Servers) -> None:
    source = """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from cog import Path

        class Runner:
            def run(self, path: "Path", text: str = "x") -> str:
                return type(path).__name__ + text
        """
    assert serve(source).output(path=TEXT) == "strx"


def test_a_method_may_declare_some_inputs_by_decorators_and_others_by_annotations(serve: Servers) -> None:
    source = """
        import typing
        import cog

        class Runner(cog.Model):
            @cog.input("times", type=int, default=2, max=3)
            @cog.input("file", type=cog.Path, default=None)
            def predict(self, times, file, text: str = "x", other: typing.Optional[cog.Path] = None) -> list:
                return [times, file and file.read_text(), text, other and other.read_text()]
        """
    server = serve(source)
    assert server.output() == [2, None, "x", None]
    assert server.output(times=3, file=TEXT, text="y", other=TEXT) == [3, "abc", "y", "abc"]
