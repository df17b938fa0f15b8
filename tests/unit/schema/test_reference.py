"""What the reference says is refused, is refused in these words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "schema.md"
IMPORTS = """\
import cog
import numpy as np
from cog import *
from datetime import datetime
from typing import *
class MyModel(BaseModel):
    a: int
class MyClass: ...
"""
CODE = re.compile(r"``\s*(.+?)\s*``|`([^`]+)`")


def _pieces(cell):
    return [first or second for first, second in CODE.findall(cell)]


def _rows():
    section = REFERENCE.read_text(encoding="utf-8").split("## What is refused")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) == 3 and cells[0].startswith("`"):
            yield pytest.param(_pieces(cells[0]), _pieces(cells[1])[0], id=cells[0])


def _source(written):
    if written[0].startswith("def run(self"):
        return f"class Model:\n  {written[0]}\n    ..."
    if written[0].startswith("@"):
        function = f"{written[1]} run()" if written[1] == "def" else "def run()"
        return f"{written[0]}\n{function} {written[1] if '->' in written[1] else '-> str'}: ..."
    return f"def run() {written[0]}: ..." if written[0].startswith("->") else f"def run({written[0]}) -> str: ..."


@pytest.mark.parametrize(("written", "message"), list(_rows()))
def test_what_the_reference_lists_is_refused_in_its_words(models, written, message):
    name = "Model" if "self" in written[0] else "run"

    (problem,) = models.refused(IMPORTS + _source(written), name=name)

    assert message.rstrip("…") in problem.message


def test_the_table_of_refusals_is_read():
    assert len(list(_rows())) > 15
