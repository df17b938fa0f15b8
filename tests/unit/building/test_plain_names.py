"""Names that builders would take for patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_core.backend import BuildRequest, ToStore
from cog_core.context import BuildContext
from cog_core.ir import BuildPlan, Copy, ImageBase, ImageConfig, Stage, Step, Write
from cog_core.plain_names import ODD, with_plain_names
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path


def request(project: Path, *steps: Step) -> BuildRequest:
    stage = Stage(base=ImageBase(reference="base"), steps=steps)
    plan = BuildPlan(stage=stage, config=ImageConfig(), platform=Platform())
    return BuildRequest(plan=plan, contexts={"project": BuildContext(project)}, outputs=(ToStore("a"),))


def test_plain_names_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    given = request(tmp_path, Copy(source="a.txt", target="/a"), Copy(target="/src"), Write(path="/b", content=""))

    assert with_plain_names(given, tmp_path / "build") is given


@pytest.mark.parametrize(
    "name", ["star*", "[ab]", "what?", "back\\slash", "!bang", " blank", "-dash", "a b", "$HOME"]
)
def test_a_file_gets_a_plain_name_and_keeps_content_mode_and_target(tmp_path: Path, name: str) -> None:
    project, build = tmp_path / "project", tmp_path / "build"
    project.mkdir()
    build.mkdir()
    (project / name).write_text("content", "utf-8")
    (project / name).chmod(0o755)

    found = with_plain_names(request(project, Copy(source=name, target=f"/x/{name}")), build)

    assert found.plan.steps == (Copy(context=ODD, source="0", target=f"/x/{name}"),)
    laid_out = found.contexts[ODD].root / "0"
    assert (laid_out.read_text("utf-8"), laid_out.stat().st_mode & 0o777) == ("content", 0o755)


def test_where_files_cannot_be_renamed_a_folder_is_copied(tmp_path: Path) -> None:
    project, build = tmp_path / "project", tmp_path / "build"
    (project / "fol*der").mkdir(parents=True)
    (project / "fol*der" / "in").touch()
    build.mkdir()
    steps = (
        Write(path="/x/what?", content="one"),
        Write(path="/a b", content="two"),
        Copy(source="fol*der", target="/y"),
    )

    found = with_plain_names(request(project, *steps), build, renames=False)

    assert [step.target for step in found.plan.steps if isinstance(step, Copy)] == ["/x", "/", "/y"]
    entries = [entry.path for entry in found.contexts[ODD].entries]
    assert entries == ["0", "0/what?", "1", "1/a b", "2", "2/in"]


def test_what_is_left_out_of_the_context_stays_out_and_what_is_missing_is_left_to_the_builder(tmp_path: Path) -> None:
    step = Copy(source="missing*", target="/x")

    assert with_plain_names(request(tmp_path, step), tmp_path / "build").plan.steps == (step,)
