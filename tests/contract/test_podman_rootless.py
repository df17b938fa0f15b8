"""podman of an ordinary user with subordinate ids keeps the contract: the same checks, run as that user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_core.testing import BackendContract
from cog_core.testing.contract.fixtures import ContractFixtures
from cog_core.testing.contract.space import SpaceChecks

if TYPE_CHECKING:
    from tests.engines.rootless import Rootless

_ROOT = Path(__file__).resolve().parents[2]
_NOT_HIS = (SpaceChecks, ContractFixtures)  # small disks are root's to make
_GROUPS = [group for group in BackendContract.__bases__ if group not in _NOT_HIS]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.engine("podman-rootless", "registry")
@pytest.mark.parametrize("group", _GROUPS)
def test_an_ordinary_user_s_podman_keeps_the_contract(rootless: Rootless, group: type) -> None:
    able = (*rootless.argv(), sys.executable, "-c", "import attrs, pytest, cog_core")
    if subprocess.run(able, cwd=_ROOT, env=dict(rootless.variables()), capture_output=True, check=False).returncode:
        pytest.skip("this Python is in a folder that other users may not read")
    folder = f"--basetemp={rootless.environ()['HOME']}/tests"  # the folders of this test run are root's alone
    pytest_argv = (sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder)
    names = [name for name in vars(group) if name.startswith("test_")]

    done = subprocess.run(
        [*rootless.argv(), *pytest_argv, *(f"tests/contract/test_podman.py::TestPodman::{name}" for name in names)],
        cwd=_ROOT,
        env=dict(rootless.variables()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "not tested on this machine" not in done.stdout
