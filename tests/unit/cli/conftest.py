"""The real program as a process, and small projects to use it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Cog = Callable[..., subprocess.CompletedProcess[str]]

MODEL = """
from cog import BaseRunner, Input, Path


class Runner(BaseRunner):
    def run(
        self,
        text: str = Input(description="What is said"),
        times: int = Input(default=1, ge=1, le=5),
        voice: str = Input(default="low", choices=["low", "high"]),
    ) -> str:
        return text * times
"""


@pytest.fixture(scope="session")
def forks() -> Iterator[subprocess.Popen[str]]:
    """Start the process that becomes the program again and again."""
    script = str(Path(__file__).with_name("forks.py"))
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def cog(forks: subprocess.Popen[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cog:
    """Run the program in the test's folder."""
    streams = tmp_path_factory.mktemp("streams")

    def run(
        *arguments: str, cwd: Path = tmp_path, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        paths = {name: streams / name for name in ("stdin", "stdout", "stderr")}
        for name, path in paths.items():
            path.write_text(stdin if name == "stdin" else "")
        job = {"argv": arguments, "cwd": str(cwd), "env": {**os.environ, **(env or {})}}
        assert forks.stdin is not None
        assert forks.stdout is not None
        forks.stdin.write(json.dumps({**job, **{name: str(path) for name, path in paths.items()}}) + "\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, paths["stdout"].read_text(), paths["stderr"].read_text())

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a folder with a model that needs no packages."""
    folder = tmp_path / "my model"
    folder.mkdir()
    (folder / "cog.yaml").write_text(
        dedent(
            """
            build:
              python_version: "3.13"
              run:
                - echo built
            run: "run.py:Runner"
            """
        ).lstrip()
    )
    (folder / "run.py").write_text(MODEL.lstrip())
    return folder
