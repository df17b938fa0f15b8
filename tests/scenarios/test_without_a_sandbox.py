"""A machine that allows no sandbox: a model runs as an ordinary process, and reaches the network as its user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.program import Program

if TYPE_CHECKING:
    from pathlib import Path

MODEL = """
import os


def run(name: str) -> str:
    return f"{os.environ.get(name)} {os.environ.get('PRIVATE_THING')}"
"""


@pytest.mark.timeout(300)
@pytest.mark.engine("debian", "index")
def test_proxies_reach_the_model_and_nothing_else_does(project: Path, shared_cog_cache: Path) -> None:
    (project / "cog.yaml").write_text('build:\n  python_version: "3.11"\nrun: run.py:run\n', "utf-8")
    (project / "run.py").write_text(MODEL, "utf-8")
    told = {"ftp_proxy": "http://proxy.example:8080", "PRIVATE_THING": "secret", "COG_ISOLATION": "process"}
    cog = Program(project, ("--backend", "oci")).within(project, **told)

    done = cog.well("run", "-i", "name=ftp_proxy")

    assert done.out.strip() == "http://proxy.example:8080 None"
