"""``cog debug --output``: the script that builds the folder with Docker alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_cli.by_hand import DIALECTS, script_of
from cog_core.ir import lower
from cog_core.ir.dockerfile import render
from tests.unit.ir.projects import PLANS

if TYPE_CHECKING:
    from tests.support.golden import Golden


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_script_gives_the_agents_and_names_the_secrets_that_the_dockerfile_asks_for(
    dialect: str, golden: Golden
) -> None:
    plan = PLANS["agent"]

    script = script_of(plan, render(lower(plan, frozenset()), DIALECTS[dialect]), name="private", dialect=dialect)

    golden(f"scripts/agent.{dialect}.sh", script.text)


def test_a_build_without_mounts_asks_for_nothing() -> None:
    plan = PLANS["hello"]

    script = script_of(plan, render(lower(plan, frozenset()), DIALECTS["modern"]), name="hello")

    assert "--ssh" not in script.text
    assert "secret" not in script.text
