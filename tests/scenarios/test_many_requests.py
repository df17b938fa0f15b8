"""Somebody expects many requests: what ``concurrency`` says holds where the model is run from its folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cog_core.predictions import RunOptions, open_model, serving
from tests.scenarios.conftest import OCI

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
build:
  python_version: "3.11"
run: "run.py:Runner"
concurrency:
  queue: 20
  workers: 2
  timeout: 60
  batch:
    max_size: 2
    window: 60
"""
SOURCE = """\
from cog import BaseRunner


class Runner(BaseRunner):
    def run(self, text: list[str]) -> list[str]:
        return [f"{each} of {len(text)}" for each in text]
"""


@pytest.mark.parametrize("backend", [OCI], indirect=True)
def test_queue_workers_and_batches_are_those_of_the_configuration(project: Path, backend: str) -> None:
    (project / "cog.yaml").write_text(CONFIG, "utf-8")
    (project / "run.py").write_text(SOURCE, "utf-8")
    model = open_model(project)
    changed = RunOptions(environment={"COG_QUEUE": "7"})
    with serving(model, changed, backend=backend) as served, ThreadPoolExecutor(2) as pool:
        health = served.client.health()
        assert (health["runtime"]["workers"], health["runtime"]["queue_limit"]) == (2, 7)
        answers = pool.map(lambda text: served.client.predict({"input": {"text": text}}), "ab")
        assert [answer["output"] for answer in answers] == ["a of 2", "b of 2"]
