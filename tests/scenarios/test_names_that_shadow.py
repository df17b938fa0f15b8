"""A model's folder holds files with the names of modules that others need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program


@pytest.mark.timeout(300)
def test_a_typing_module_of_the_model_hides_only_the_models_own(cog: Program, project: Path) -> None:
    hello(project)
    (project / "typing.py").write_text('OURS = "mine"\n', "utf-8")
    (project / "uvicorn.py").write_text('raise RuntimeError("the server loads what is not its own")\n', "utf-8")
    tag = f"cog-{project.name}"

    cog.well("build")

    assert cog.well("run", tag, "-i", "text=world").out.strip() == "hello world"


def test_a_cog_package_of_the_model_is_refused(cog: Program, project: Path) -> None:
    hello(project)
    (project / "cog").mkdir()
    (project / "cog" / "__init__.py").write_text("", "utf-8")

    done = cog("build")

    assert done.code == 2
    assert "cog/__init__.py" in done.err
    assert "Rename it" in done.err
