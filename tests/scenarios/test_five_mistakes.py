"""Somebody writes cog.yaml by hand: all five mistakes are told at once, each with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.program import Program

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = """\
build:
  python_version: "2.7"
  python_requirements: requirments.txt
  python_packages:
    - numpy==1.26.4
run: "predict.py"
concurrency:
  max: many
"""


def test_five_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text(BROKEN, "utf-8")

    done = Program(tmp_path)("build")

    assert done.code == 2
    assert "Traceback" not in done.err
    for line in (2, 3, 4, 6, 8):
        assert f"cog.yaml:{line}:" in done.err, done.err
