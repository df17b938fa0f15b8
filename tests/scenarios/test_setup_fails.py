"""A model's setup fails: the user sees the model's own words, and the program's exit code says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program


@pytest.mark.timeout(300)
def test_the_reason_is_shown(cog: Program, project: Path) -> None:
    hello(project)
    model = project / "run.py"
    broken = model.read_text("utf-8").replace('self.greeting = "hello"', 'raise RuntimeError("the weights are gone")')
    model.write_text(broken, "utf-8")

    done = cog("run", "-i", "text=world")

    assert done.code == 7
    assert done.out == ""
    assert "error: model setup failed: RuntimeError: the weights are gone\n" in done.err
    assert "mend setup()" in done.err
