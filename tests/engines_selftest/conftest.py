"""Runs tests about the tests: a small suite in a process of its own, with our plugins."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT = Path(__file__).parents[2]
_CONFTEST = _ROOT / "tests" / "conftest.py"
_SETTINGS = """
[pytest]
addopts = --strict-markers -p no:cacheprovider
markers =
    engine(name): an engine
"""


@attrs.frozen
class Suite:
    """A folder with a suite of its own."""

    folder: Path

    def run(self, source: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one test file there and return what pytest said."""
        (self.folder / "pytest.ini").write_text(_SETTINGS)
        (self.folder / "conftest.py").write_text(_CONFTEST.read_text())
        (self.folder / "test_inner.py").write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "pytest_timeout", *arguments, "test_inner.py"],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environ(environ),
        )

    def _environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "COG_TEST_ENGINES"}
        ours = {
            "PYTHONPATH": str(_ROOT),
            "COG_TEST_CACHE": str(self.folder / "cache"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # starts in half the time
        }
        return {**inherited, **ours, **environ}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)
