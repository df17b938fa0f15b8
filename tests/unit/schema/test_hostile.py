"""Source that is made to hang, to exhaust memory or to break the reader."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog_core.errors import SchemaError
from cog_core.schema import Mode, check, read_model, to_openapi

MOST_SECONDS = 10

CHOICES = "from cog import *\n{}\ndef run(x: str = Input(choices=X)) -> str: ..."
TEXT = "B = 'a' * 10000\nC = " + " + ".join(["B"] * 9) + "\n"
BOMBS = {
    "list in list": "def run(x: " + "list[" * 80 + "str" + "]" * 80 + ") -> str: ...",
    "default in default": "def run(x: list = " + "[" * 90 + "]" * 90 + ") -> str: ...",
    "attributes": "def run(x: a" + ".b" * 900 + ") -> str: ...",
    "many attributes": "def run(x: a" + ".b" * 50_000 + ") -> str: ...",
    "long sum": "X = " + " + ".join(["1"] * 50_000) + "\ndef run(x: int = X) -> str: ...",
    "long union": "def run(x: " + " | ".join(["int"] * 50_000) + ") -> str: ...",
    "signs": "X = " + "-" * 100_000 + "1",
    "parentheses": "(" * 5_000,
    "names in a circle": "A = B\nB = A\ndef run(x: A, y: int = B) -> A: ...",
    "classes in a circle": "class A(B): ...\nclass B(A): ...\nclass run(A.C): ...",
    "enums in a circle": "import enum\nclass A(enum.Enum):\n X = B.Y\nclass B(enum.Enum):\n Y = A.X\n"
    "def run(x: A) -> A: ...",
    "functions in a circle": "def f(): return g()\ndef g(): return f()\ndef run(x: int = f()) -> str: ...",
    "enum": "import enum\nclass E(enum.Enum):\n"
    + "  a = enum.auto()\n" * 1_000
    + "".join(f"  a{i} = enum.auto()\n" for i in range(11_000))
    + "def run(x: E) -> str: ...",
    "doubling": CHOICES.format("X = [1]\n" + "X += X\n" * 60),
    "nesting": CHOICES.format(
        "X = [1]\n" + "".join(f"X{i} = [{'X' if i == 0 else f'X{i - 1}'}] * 2\n" for i in range(60)) + "X = X59"
    ),
    "sharing": CHOICES.format("A = [1] * 10000\nB = [A] * 10000\nX = [B] * 10000"),
    "long texts": CHOICES.format(TEXT + "X = [C + str(i) for i in range(10000)]"),
    "loops": CHOICES.format("X = [a for a in range(10000) for b in range(10000)]"),
    "differences": CHOICES.format("A = set(range(9000))\nX = [A - set(range(9000, 18000)) for i in range(20)]"),
    "text": "def run(x: str = 'a' * 10 ** 9) -> str: ...",
    "power": "def run(x: int = 10 ** 10 ** 10) -> str: ...",
    "shift": "def run(x: int = 1 << 10 ** 9) -> str: ...",
    "digits": "def run(x: int = 0x" + "F" * 100_000 + ") -> str: ...",
    "infinity": "def run(x: float = 1e999) -> str: ...",
    "no number": "def run(x: float = float('nan')) -> str: ...",
    "range": CHOICES.format("X = range(10 ** 12)"),
    "fields": "from cog import BaseModel\n"
    + "".join(f"class M{i}(BaseModel):\n" + "".join(f"  f{j}: 'M{i + 1}'\n" for j in range(10)) for i in range(8))
    + "class M8(BaseModel):\n  x: int\ndef run() -> M0: ...",
    "parameters": "def run(" + ", ".join(f"a{i}: foo" for i in range(5_000)) + ") -> str: ...",
    "bases": "class run(" + ", ".join(f"B{i}" for i in range(5_000)) + "): ...",
    "quotes": "A = '" + "[1, " * 100_000 + "'\ndef run(" + ", ".join(f"x{i}: A" for i in range(50)) + ") -> str: ...",
    "large file": b"#" * (10 * 1024 * 1024 + 1),
    "many lines": b"x = 1\n" * 300_000,
    "hex codec": b"# coding: hex\n",
    "slow codec": b"# coding: punycode\n" + b"x" * 100_000,
    "wide characters": "def run(): ...".encode("utf-16"),
    "nothing but bytes": bytes(range(256)) * 10,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_soon(models, name):
    start = time.monotonic()

    models.refused(BOMBS[name])

    assert time.monotonic() - start < MOST_SECONDS


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("^(a+)+$", "a" * 50 + "b"),
        ("^" + "a*" * 9 + "$", "a" * 200 + "b"),
        ("^" + "a?" * 50 + "a" * 50 + "$", "a" * 49),
    ],
)
def test_a_pattern_that_takes_for_ever_is_not_searched_for(models, pattern, value):
    source = f"from cog import Input\ndef run(x: str = Input({value!r}, regex={pattern!r})) -> str: ..."

    assert models.read(source).inputs[0].pattern == pattern


def test_too_many_files_are_not_read(models):
    files = {"model.py": "from s0 import *\ndef run(x: Q) -> str: ..."}
    files.update({f"s{i}.py": f"from s{i + 1} import *" for i in range(600)})

    assert models.refused(files)[0].message.startswith("cannot resolve type 'Q'")


def _links_in_a_circle(root):
    (root / "model.py").symlink_to(root / "model.py")


def _folder(root):
    (root / "model.py").mkdir()


def _pipe(root):
    os.mkfifo(root / "model.py")


def _endless(root):
    (root / "model.py").symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_links_in_a_circle, _folder, _pipe, _endless])
def test_what_is_no_file_of_the_project_is_refused(tmp_path, make):
    make(tmp_path)

    with pytest.raises(SchemaError, match="is no file inside the source directory"):
        read_model(tmp_path, "model.py:run", mode=Mode.PREDICT)


def test_folders_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(SchemaError):
        read_model(tmp_path, "a/model.py:run", mode=Mode.PREDICT)


WORDS = st.sampled_from(
    [
        *("def", "class", "run", "lambda", "yield", "async", "from", "import", "as", "None", "é", "'a'", "3"),
        *("str", "int", "list", "Optional", "Literal", "Input", "cog", "Path", "Iterator", "BaseModel", "Enum"),
        *("(", ")", "[", "]", "{", "}", ":", ",", "=", "|", "->", "*", "**", "@", ".", "+", "-", "\n", "\n\n", "\t"),
    ]
)


def _describe(models, source):
    """Return what is wrong with a model, after making sure of the document of one that is right."""
    try:
        schema = models.read(f"from cog import *\nfrom typing import *\n{source}")
    except SchemaError as refused:
        return refused.problems
    check(to_openapi(schema, version="1"), schema)
    return ()


@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=80))
@settings(max_examples=25)
def test_any_text_is_a_model_or_refused(models, text):
    assert all(problem.origin for problem in _describe(models, f"{text}\n\ndef run(x: {text}) -> str: ..."))


@given(st.lists(WORDS, max_size=12).map(" ".join))
@settings(max_examples=25)
@pytest.mark.parametrize("form", ["(x: {}) -> str", "(x: str = {}) -> str", "() -> {}"])
def test_any_annotation_and_default_is_described_or_refused(models, form, text):
    assert all(problem.origin for problem in _describe(models, f"def run{form.format(text)}: ..."))
