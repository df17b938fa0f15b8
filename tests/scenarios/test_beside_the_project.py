"""What is around a project: images that are written beside it or into it, and a token of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("debian", "index")]


@pytest.mark.usefixtures("shared_cog_cache")
def test_only_what_lies_in_the_project_is_warned_of(project: Path) -> None:
    hello(project)
    cog = Program(project, ("--backend", "oci"))

    assert "lies in the project" not in cog.well("build", "--output", "oci:../image").err
    assert "lies in the project" in cog.well("build", "--output", "oci:image").err


@pytest.mark.engine("userns")
@pytest.mark.usefixtures("shared_cog_cache")
def test_a_model_that_wants_a_token_answers_the_one_who_started_it(project: Path) -> None:
    hello(project)
    cog = Program(project, ("--backend", "oci"))

    assert cog.well("run", "-e", "COG_AUTH_TOKEN=open-sesame", "-i", "text=world").out.strip() == "hello world"
