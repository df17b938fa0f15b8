"""The projects of docs/how-to/serve-many-requests.md, served as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_core.draft import read_models
from cog_core.ir import Env
from cog_core.lock.locked import LockedPackages
from cog_core.planner import PlanInputs, make_plan
from cog_core.project import open_project
from cog_core.resolve import resolve
from cog_core.values import EPOCH, Platform

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "serve-many-requests.md"
SECTIONS = {part.splitlines()[0]: part for part in PAGE.read_text("utf-8").split("\n## ")[1:]}
ANSWERS = {
    "Let requests wait: a queue": "HELLO",
    "Use all cores: several workers": "49 from process",
    "Share one model: threads": "cb19a495",
    "Wait for others without blocking: async": "done",
    "Answer many at once: batching": "HELLOHELLO",
    "Give up in time: deadlines": "done",
    "End without losing any: draining": "done",
}


def block(section: str, language: str) -> str:
    found: str = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0]
    return found


def variables(folder: Path) -> dict[str, str]:
    """Return what an image of the project has in its environment."""
    project = open_project(folder, strict=True)
    assert project.loaded.warnings == ()
    (model,) = read_models(project)
    facts = project.facts(
        platform=Platform(), concurrency=model.concurrency, is_async=model.is_async, batch=model.batch
    )
    inputs = PlanInputs(
        resolved=resolve(project.loaded, facts),
        locked=LockedPackages(source=""),
        schema=None,
        bundle="",
        created=EPOCH,
    )
    steps = [step for step in make_plan(inputs).steps if isinstance(step, Env)]
    found = dict(pair for step in steps for pair in step.variables)
    return {name: value for name, value in found.items() if name.startswith("COG_") and "STUB" not in name}


@pytest.mark.parametrize("title", SECTIONS)
def test_each_project_answers_as_it_says(serve: Servers, tmp_path: Path, title: str) -> None:
    section = SECTIONS[title]
    source = block(section, "python")
    (tmp_path / "cog.yaml").write_text(block(section, "yaml"))
    (tmp_path / "run.py").write_text(source)
    found = variables(tmp_path)
    assert found
    server = serve(source, **found)
    body = re.search(r"-d '(.*)'\n", section)
    assert body is not None
    answer = server.request("POST", "/predictions", json.loads(body[1])).json()
    assert (answer["status"], answer["output"].startswith(ANSWERS[title])) == ("succeeded", True), answer
