"""A company's network: a package index with a password. The password gets the package, and is found nowhere after."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.private_index import PACKAGE, PASSWORD, USER, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.private_index import PrivateIndex
    from tests.support.program import Done, Program

pytestmark = pytest.mark.timeout(300)

MODEL = """\
from cog import BaseRunner
from company_secret_sauce import TASTE


class Runner(BaseRunner):
    def run(self) -> str:
        return TASTE
"""


@pytest.fixture
def index(tmp_path: Path, backend: str) -> Iterator[PrivateIndex]:
    """Serve on an address that containers reach too."""
    host = docker_gateway() if backend == "docker" else "127.0.0.1"
    with serving(tmp_path / "index", host) as found:
        yield found


@pytest.mark.parametrize("login", ["in the requirements", "in netrc", "in the environment"])
def test_the_password_reaches_the_index_and_nothing_else(
    cog: Program, project: Path, index: PrivateIndex, login: str, isolated: Path
) -> None:
    cache = Path(os.environ["COG_CACHE_DIR"])
    url = index.url_with_login if login == "in the requirements" else index.url
    option = f"--extra-index-url {url}\n--trusted-host {index.host}\n"
    (project / "requirements.txt").write_text(f"{'' if 'environment' in login else option}{PACKAGE}==1.0\n", "utf-8")
    (project / "cog.yaml").write_text(
        'build:\n  python_version: "3.11"\n  python_requirements: requirements.txt\nrun: "run.py:Runner"\n', "utf-8"
    )
    (project / "run.py").write_text(MODEL, "utf-8")
    if login == "in the requirements":
        (project / ".dockerignore").write_text("requirements.txt\n", "utf-8")
    if login == "in netrc":
        (isolated / ".netrc").write_text(f"machine {index.host}\nlogin {USER}\npassword {PASSWORD}\n", "utf-8")
    if login == "in the environment":
        variables = {"UV_EXTRA_INDEX_URL": index.url_with_login, "PIP_TRUSTED_HOST": index.host}
        cog = cog.within(project, **variables)
    archive = project.parent / "image.tar"

    built = cog.well(
        "build", "--progress", "plain", "--tag", f"cog-{project.name}", "--output", f"docker-archive:{archive}"
    )
    ran = cog.well("run", f"cog-{project.name}")

    assert ran.out.strip() == "umami"
    assert_nowhere(built, ran, cog("plan", "--json"), cog("debug"))
    assert PASSWORD.encode() not in archive.read_bytes()
    kept = [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size < 1 << 20]
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []


def test_a_wrong_password_is_an_error_that_does_not_show_it(cog: Program, project: Path, index: PrivateIndex) -> None:
    wrong = index.url_with_login.replace(PASSWORD, "letmein-letmein")
    (project / "cog.yaml").write_text(
        f'build:\n  python_version: "3.11"\n  python_packages:\n    - "--extra-index-url {wrong}"\n'
        f'    - "{PACKAGE}==1.0"\nrun: "run.py:Runner"\n', "utf-8",
    )  # fmt: skip
    (project / "run.py").write_text(MODEL, "utf-8")

    done = cog("build", "--progress", "plain")

    assert done.code == 3
    assert "letmein-letmein" not in done.err + done.out
    assert index.host in done.err


def assert_nowhere(*endings: Done) -> None:
    for done in endings:
        assert PASSWORD not in done.out + done.err


def docker_gateway() -> str:
    command = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
