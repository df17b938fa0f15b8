"""A researcher edits the model: only the layers above the packages and the runtime are made again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import example, hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program


@pytest.mark.timeout(600)
def test_a_change_of_the_code_keeps_the_layers_below(cog: Program, project: Path) -> None:
    example("digits", project)
    before = layers(cog, project)

    model = project / "run.py"
    model.write_text(model.read_text("utf-8") + "\n# a remark\n", "utf-8")
    after = layers(cog, project)

    assert before != after
    assert len(before) == len(after)
    changed = [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert min(changed) >= len(before) - 3, "source, and the two copies of the schema"


@pytest.mark.timeout(600)
def test_what_did_not_change_is_not_built_again(cog: Program, project: Path) -> None:
    hello(project)
    first = image_id(cog, project)

    assert image_id(cog, project) == first


def layers(cog: Program, project: Path) -> list[str]:
    cog.well("build")
    seen = json.loads(cog.well("inspect", "--json", f"cog-{project.name}").out)
    return [layer["diff_id"] for layer in seen["layers"]]


def image_id(cog: Program, project: Path) -> str:
    cog.well("build")
    return str(json.loads(cog.well("inspect", "--json", f"cog-{project.name}").out)["image_id"])
