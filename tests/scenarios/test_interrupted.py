"""A researcher presses Ctrl-C: a short line, exit code 130, and nothing left behind."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program


SLOW = """\
build:
  python_version: "3.11"
  run:
    - echo waiting && sleep 300
run: "run.py:Runner"
"""
PATIENT = """\
        import time
        print("thinking", flush=True)
        time.sleep(300)
        return"""


@pytest.mark.timeout(300)
def test_while_building(cog: Program, project: Path, backend: str, shared_cog_cache: Path) -> None:
    hello(project)
    if backend == "docker":
        (project / "cog.yaml").write_text(SLOW, "utf-8")
    else:
        with (project / "weights.bin").open("wb") as file:
            file.truncate(2 << 30)
    sign = "waiting" if backend == "docker" else "weights"

    with cog.start("build", "--no-cache", "--progress", "plain") as building:
        building.wait_for(sign)
        code = building.end()

    assert code == 130
    assert leftovers(shared_cog_cache) == []
    assert "Traceback" not in "".join(building.lines)


@pytest.mark.timeout(300)
def test_while_a_prediction_runs(cog: Program, project: Path, backend: str, shared_cog_cache: Path) -> None:
    hello(project)
    model = (project / "run.py").read_text("utf-8")
    (project / "run.py").write_text(model.replace("        return", PATIENT), "utf-8")

    with cog.start("run", "-i", "text=world") as running:
        running.wait_for("thinking")
        code = running.end()

    assert code == 130
    assert leftovers(shared_cog_cache) == []
    if backend == "docker":
        assert containers("docker", project) == []


def leftovers(cache: Path) -> list[Path]:
    return [path for path in (cache / "tmp").glob("*") if path.exists()]


def containers(engine: str, project: Path) -> list[str]:
    """Return the images of a project's containers; the engine may have those of another test run, too."""
    command = [engine, "ps", "--all", "--filter", "label=org.cogmodel.started-by=cog", "--format", "{{.Image}}"]
    images = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return [image for image in images if project.name in image]
