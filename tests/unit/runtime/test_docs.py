from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"


def test_every_test_that_the_table_of_compatibility_names_exists():
    text = (REFERENCE / "compatibility.md").read_text("utf-8")
    named = re.findall(r"`((?:tests/\S+/)?test_\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > 40
    for file, test in named:
        path = ROOT / (file if "/" in file else f"tests/runtime/{file}")
        assert not test or f"def {test}(" in path.read_text("utf-8"), (file, test)


ROWS = re.findall(r"^\|.*\|$", (REFERENCE / "compatibility.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", ROWS)
def test_every_row_says_what_shows_it(line):
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 3
    assert all(cells)


def test_every_variable_that_the_server_reads_is_documented():
    described = (REFERENCE / "http-api.md").read_text("utf-8")
    source = (ROOT / "src" / "cog_runtime" / "server" / "settings.py").read_text("utf-8")
    names = set(re.findall(r'"((?:COG|WEBHOOK|LOG)_[A-Z_]+|PORT)"', source))
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in described} == set()
