"""What is said about signatures that cannot be described."""

from __future__ import annotations

import pytest

EVERYTHING = """\
from cog import Input, Path
import datetime
def run(
    a: set,
    b: datetime.datetime,
    c: str = Input(choices=load()),
    d: int = Input(default=9, le=3),
    e: str = Input(regex="("),
    f=3,
    g: str = compute(),
    h: list[int, str] = [],
    i: str = Input(default_factory=list),
    j: int = Input(ge="1"),
) -> bytes: ...
"""


def test_all_problems_are_reported_at_once_each_with_its_line(models):
    problems = models.refused(EVERYTHING)

    assert sorted(problem.origin.line for problem in problems) == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert all(problem.origin.file == "model.py" and problem.origin.column for problem in problems)


def test_a_position_is_counted_in_characters(models):
    (problem,) = models.refused("def run(ä: str = 'öü', x: set = None) -> str: ...")

    assert (problem.origin.line, problem.origin.column) == (1, 27)


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        ("set", "", "unsupported type: set"),
        ("set[str]", "", "unsupported type: set[...] is not a supported input type"),
        ("tuple", "", "unsupported type: tuple"),
        ("bytes", "", "unsupported type: bytes"),
        ("None", "", "unsupported type: None"),
        ("3", "", "unsupported type: 3"),
        ("'a b'", "", "unsupported type: 'a b'"),
        ("Input", "", "unsupported type: Input"),
        ("Iterator[str]", "", "unsupported type: Iterator[...] is not a supported input type"),
        ("List[int, str]", "", "unsupported type: List expects exactly 1 type argument, got 2"),
        ("list[Optional[int]]", "", "unsupported type: nested generics like List[Optional[X]] are not supported"),
        ("list[int | str]", "", "unsupported type: nested generics like List[Union[X]] are not supported"),
        ("str | Path", "", "unsupported type: Path is not supported in union inputs"),
        ("str | list[Secret]", "", "unsupported type: Secret is not supported in union inputs"),
        ("int | list[str | bool]", "", "unsupported type: nested union inputs are not supported"),
        ("int | list[Optional[str]]", "", "unsupported type: nested nullable variants are not supported in union"),
        ("Union[None]", "", "unsupported type: union inputs must include at least one non-None type"),
        ("int | str", "Input(ge=1)", "unsupported type: constraints and choices are not supported on union inputs"),
        ("M", "", "unsupported type: M"),
        ("Foo", "", "cannot resolve type 'Foo'"),
        ("np.ndarray", "", "cannot resolve type 'np.ndarray' (imported from 'numpy') - external types cannot"),
        ("str", "open('x').read()", "parameter 'x': default `open('x').read()` cannot be statically resolved"),
        ("str", "Input(default_factory=f)", "parameter 'x': default_factory is not supported in static schema"),
        ("str", "Input(choices=f())", "parameter 'x': choices expression cannot be statically resolved: f()"),
        ("str", "Input('a', 'b')", "parameter 'x': Input() takes one positional argument"),
        ("int", "Input(ge='1')", "parameter 'x': ge is '1'"),
        ("str", "Input(max_length=0.5)", "parameter 'x': max_length is 0.5"),
        ("str", "Input(description=3)", "parameter 'x': description is 3"),
        ("int", "True", "model schema is invalid: the default of 'x', True, is no integer"),
        ("str", "3", "model schema is invalid: the default of 'x', 3, is no string"),
        ("list[int]", "['a']", "model schema is invalid: the default of 'x', ('a',), has an item that is no integer"),
        (
            "str",
            "Input('c', choices=['a'])",
            "model schema is invalid: the default of 'x', 'c', is none of its choices",
        ),
        ("int", "Input(0, ge=1)", "model schema is invalid: the default of 'x', 0, is below its minimum, 1"),
        ("int", "Input(9, le=1)", "model schema is invalid: the default of 'x', 9, is above its maximum, 1"),
        ("str", "Input('', min_length=1)", "model schema is invalid: the default of 'x', '', is shorter than"),
        ("str", "Input('abc', max_length=1)", "model schema is invalid: the default of 'x', 'abc', is longer than"),
        ("str", "Input('b', regex='^a')", "model schema is invalid: the default of 'x', 'b', does not match its"),
        ("str", "Input(regex='(')", "model schema is invalid: the regex of 'x' is no regular expression: ("),
        ("int", "Input(ge=2, le=1)", "model schema is invalid: the minimum of 'x', 2, is above its maximum, 1"),
    ],
)
def test_what_is_no_input_is_refused(models, annotation, default, message):
    before = "import numpy as np\nclass M(BaseModel):\n  a: int"

    assert models.refused_input(annotation, default, before).startswith(message)


@pytest.mark.parametrize(
    ("source", "message", "place"),
    [
        ("def run(x=3) -> str: ...", "parameter 'x' on run has no type annotation", "model.py:1:9 (x)"),
        ("def run(*a: int) -> str: ...", "unsupported type: *a of run cannot be an input", "model.py:1:10 (a)"),
        ("def run(**a: int) -> str: ...", "unsupported type: **a of run cannot be an input", "model.py:1:11 (a)"),
        ("def run(a: int, /) -> str: ...", "parameter 'a' of run cannot be given by name", "model.py:1:9 (a)"),
        ("def run(x: str, x: int) -> str: ...", "duplicate argument 'x' in function definition", "model.py:1:17 (x)"),
        ("def run(x: str", "syntax error: '(' was never closed: def run(x: str", "model.py:1:8"),
        ("x = 1\nb = '\xff'\n".encode("latin-1"), "model.py cannot be decoded: byte 0xff is not UTF-8", "model.py:2"),
        (b"x\0", "model.py contains null bytes", "model.py"),
        (b"# coding: nonsense\n", "model.py cannot be decoded: unknown encoding: nonsense", "model.py"),
    ],
)
def test_a_refusal_names_its_place(models, source, message, place):
    (problem,) = models.refused(source)

    assert (problem.message, str(problem.origin)) == (message, place)


@pytest.mark.parametrize(
    ("annotation", "hint"),
    [
        ("set", "JSON has no sets: write list[...] and make a set of it."),
        ("bytes", "Write cog.Path for a file, or str."),
        ("datetime.date", "Write str, and parse it with date.fromisoformat()."),
        ("os.PathLike", "Write cog.Path."),
        ("Input", "Input is no type: write `prompt: str = Input(...)`."),
        ("M", "A BaseModel is no input: write dict, or a TypedDict; the model receives a plain dict."),
    ],
)
def test_a_hint_says_how_to_write_it(models, annotation, hint):
    source = "import datetime, os\nfrom cog import *\nclass M(BaseModel):\n  a: int\n"

    (problem,) = models.refused(f"{source}def run(x: {annotation}) -> str: ...")

    assert problem.hint == hint


@pytest.mark.parametrize(
    "source",
    [
        b"\xef\xbb\xbfdef run(x: str) -> str: ...",
        b"def run(\r\n    x: str,\r\n) -> str: ...\r\n",
        "# -*- coding: latin-1 -*-\ndef run(x: str = 'é') -> str: ...".encode("latin-1"),
    ],
)
def test_any_encoding_that_python_reads_is_read(models, source):
    assert models.read(source).inputs[0].name == "x"
