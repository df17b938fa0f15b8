"""The template makes a plugin that installs, is found, and keeps the contract as it is."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import copier
import pytest

from tests.support.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.environments import Environment

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project that the template has made."""
    target = tmp_path_factory.mktemp("made") / "cog-snow-plough"
    answers = {"name": "snow-plough", "author": "Ada", "summary": "moves layers aside"}
    copier.run_copy(str(ROOT / "templates" / "backend-plugin"), target, data=answers, defaults=True, quiet=True)
    return target


def test_nothing_of_the_template_is_left_in_the_project(made: Path):
    files = {str(path.relative_to(made)): path for path in made.rglob("*") if path.is_file()}

    assert set(files) == {
        *(".gitignore", "LICENSE", "README.md", "pyproject.toml"),
        *(f"src/cog_snow_plough/{name}" for name in ("__init__.py", "backend.py", "py.typed")),
        *("tests/test_contract.py", "tests/test_plugin.py"),
    }
    assert not [name for name, path in files.items() if "{{" in path.read_text("utf-8")]


def test_the_project_passes_the_checks_of_ours(made: Path):
    settings = ["--config", str(ROOT / "pyproject.toml")]
    ignored = ["--ignore", "INP,S,PLC0415"]

    for words in (["check", *ignored], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, *settings, "--no-cache", str(made)],
            cwd=made,  # where ruff looks for what is the project's own
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_it_is_found_and_keeps_the_contract(
    made: Path, environment: Callable[..., Environment], base_layout: Path, tmp_path: Path
):
    fresh = environment(made)

    done = fresh.run(
        *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        cwd=made,
        env={"BASE_IMAGE": f"oci:{base_layout}"},
        seconds=500,
    )

    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.split(" passed")[0].rsplit(None, 1)[-1])
    assert passed >= 60
    listed = fresh.well("cog", "plugins", cwd=tmp_path).stdout
    assert any("snow-plough" in line and "cog-snow-plough 0.1.0" in line for line in listed.splitlines())


def test_a_name_that_cannot_follow_an_option_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="Lower-case words"):
        copier.run_copy(
            str(ROOT / "templates" / "backend-plugin"),
            tmp_path / "made",
            data={"name": "Snow Plough"},
            defaults=True,
            quiet=True,
        )
