"""What the commands make of ``concurrency`` in ``cog.yaml`` and of the model's decorators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Cog = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = 'build: {python_version: "3.12"}\nrun: run.py:Runner\n'
BATCHED = """\
import cog


class Runner(cog.BaseRunner):
    @cog.concurrent(max=3)
    @cog.batch(max_size=4, window=0.5)
    async def run(self, text: list[str]) -> list[str]:
        return text
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cog.yaml").write_text(CONFIG)
    (tmp_path / "run.py").write_text(BATCHED)
    return tmp_path


def section(cog: Cog, project: Path) -> object:
    done = cog("config", "--json", "--strict", cwd=project)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["concurrency"]


def variables(cog: Cog, project: Path) -> dict[str, str]:
    done = cog("plan", "--json", cwd=project)
    steps = json.loads(done.stdout)["stage"]["steps"]
    found = dict(pair for step in steps if step["kind"] == "Env" for pair in step["variables"])
    return {name: value for name, value in found.items() if name.startswith("COG_") and "STUB" not in name}


def test_decorators_stand_in_the_configuration_and_in_the_image(cog: Cog, project: Path) -> None:
    assert section(cog, project) == {"max": 3, "batch": {"max_size": 4, "window": 0.5}}
    assert variables(cog, project) == {
        "COG_MAX_CONCURRENCY": "3",
        "COG_BATCH_SIZE": "4",
        "COG_BATCH_WINDOW": "0.5",
    }


def test_the_file_counts_before_the_decorator(cog: Cog, project: Path) -> None:
    (project / "cog.yaml").write_text(f"{CONFIG}concurrency: {{queue: 9, workers: 2, timeout: 60, batch: 16}}\n")
    assert section(cog, project) == {
        "max": 3,
        "queue": 9,
        "workers": 2,
        "timeout": 60.0,
        "batch": {"max_size": 16, "window": 0.5},
    }
    assert variables(cog, project) == {
        "COG_MAX_CONCURRENCY": "3",
        "COG_QUEUE": "9",
        "COG_WORKERS": "2",
        "COG_PREDICT_TIMEOUT": "60",
        "COG_BATCH_SIZE": "16",
        "COG_BATCH_WINDOW": "0.5",
    }


def test_threads_are_for_methods_that_block(cog: Cog, project: Path) -> None:
    (project / "cog.yaml").write_text(f"{CONFIG}concurrency:\n  threads: 4\n")
    done = cog("plan", cwd=project)
    assert done.returncode == 2
    assert "cog.yaml:4" in done.stderr
    assert "concurrency.threads > 1 requires a run() or predict() method that is not async" in done.stderr
    assert "write @cog.concurrent(max=...) above it" in done.stderr
    (project / "run.py").write_text("class Runner:\n    def run(self, text: str) -> str: ...\n")
    assert section(cog, project) == {"threads": 4}
    assert variables(cog, project) == {"COG_THREADS": "4"}


def test_the_schema_is_that_of_one_request(cog: Cog, project: Path) -> None:
    (project / "run.py").write_text("class Runner:\n    def run(self, text: list[str]) -> list[int]: ...\n")
    (project / "cog.yaml").write_text(f"{CONFIG}concurrency: {{batch: 16}}\n")
    schemas = json.loads(cog("schema", "--json", cwd=project).stdout)["components"]["schemas"]
    assert schemas["Input"]["properties"]["text"]["type"] == "string"
    assert schemas["Output"]["type"] == "integer"


def test_a_method_that_takes_no_lists_is_named_with_its_line(cog: Cog, project: Path) -> None:
    (project / "run.py").write_text("class Runner:\n    def run(self, text: str) -> list[int]: ...\n")
    (project / "cog.yaml").write_text(f"{CONFIG}concurrency: {{batch: 16}}\n")
    done = cog("plan", cwd=project)
    assert done.returncode == 3
    assert "parameter 'text' of a batched method is a list with one item for each request, not str" in done.stderr
    assert "run.py:2" in done.stderr
    assert "Write `list[str]`." in done.stderr


def test_wrong_values_are_named_with_their_lines(cog: Cog, project: Path) -> None:
    (project / "cog.yaml").write_text(f"{CONFIG}concurrency:\n  queue: -1\n  workers: none\n")
    done = cog("config", cwd=project)
    assert done.returncode == 2
    assert "cog.yaml:5" in done.stderr
    assert 'schema error in "concurrency.workers": must be an integer' in done.stderr
