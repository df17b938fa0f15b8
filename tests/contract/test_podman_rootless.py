"""podman of an ordinary user with subordinate ids keeps the contract: the same checks, run as that user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engines.rootless import Rootless

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.engine("podman-rootless", "registry")
def test_an_ordinary_user_s_podman_keeps_the_contract(rootless: Rootless) -> None:
    able = (*rootless.argv(), sys.executable, "-c", "import attrs, pytest, cog_core")
    if subprocess.run(able, cwd=_ROOT, env=dict(rootless.variables()), capture_output=True, check=False).returncode:
        pytest.skip("this Python is in a folder that other users may not read")
    folder = f"--basetemp={rootless.environ()['HOME']}/tests"  # the folders of this test run are root's alone
    pytest_argv = (sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder)

    done = subprocess.run(
        [*rootless.argv(), *pytest_argv, "-m", "not slow", "tests/contract/test_podman.py"],
        cwd=_ROOT,
        env=dict(rootless.variables()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "not tested on this machine" not in done.stdout
