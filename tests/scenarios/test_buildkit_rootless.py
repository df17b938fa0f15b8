"""An ordinary user builds on a BuildKit server of that user's own: nobody is root, and nothing names the address."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.bases import BaseImage
    from tests.engines.buildkit_rootless import BuildkitRootless
    from tests.engines.rootless import Rootless

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.engine("buildkit-rootless", "index")]

_NAME = "hello:1"


@pytest.fixture
def owner(buildkit_rootless: BuildkitRootless) -> Rootless:
    return buildkit_rootless.owner


@pytest.fixture
def home(owner: Rootless) -> Iterator[Path]:
    """Give a folder below the user's own."""
    folder = Path(tempfile.mkdtemp(prefix="story-", dir=owner.environ()["HOME"]))
    yield folder
    shutil.rmtree(folder)


def test_a_user_s_own_server_builds_a_project(
    owner: Rootless, home: Path, python_base: Callable[[str], BaseImage], ca_bundle: Path | None
) -> None:
    """For root, who names its address, and for the user, who names nothing: the same image."""
    project = hello(_made(home / "model"))
    environ = {"COG_CACHE_DIR": str(home / "cache"), "COG_BACKEND": "buildkit"}
    environ |= {"COG_BASE_IMAGE": f"oci:{python_base('3.11').layout}:3.11-slim"}
    environ |= {"COG_CA_CERT": str(ca_bundle)} if ca_bundle else {}
    root = Program(project, (), tuple(environ.items()))
    root.well("build", "--tag", _NAME)  # what it fetches for the runtime, the user need not fetch
    wanted = json.loads(root.well("inspect", "--json", _NAME).out)
    shutil.rmtree(home / "cache" / "images")
    subprocess.run(["chown", "-R", owner.environ()["USER"], home], check=True)

    def cog(*words: str) -> subprocess.CompletedProcess[str]:
        argv = (*owner.argv(), str(Path(sys.executable).with_name("cog")), *words)
        own = {**owner.variables(), "PATH": os.environ["PATH"], **environ}
        return subprocess.run(argv, cwd=project, env=own, capture_output=True, text=True, check=False)

    if cog("--version").returncode:
        pytest.skip("this Python is in a folder that other users may not read")
    built = cog("build", "--tag", _NAME)
    assert built.returncode == 0, built.stderr
    assert f"at unix://{owner.environ()['XDG_RUNTIME_DIR']}/buildkit/buildkitd.sock" in built.stderr
    assert json.loads(cog("inspect", "--json", _NAME).stdout)["image_id"] == wanted["image_id"]
    assert {path.owner() for path in (home / "cache" / "images").rglob("*")} == {owner.environ()["USER"]}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
