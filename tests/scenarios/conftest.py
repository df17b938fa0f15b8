"""What the stories share: the program, a project's folder, and each of the two backends that build here."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

OCI = pytest.param("oci", marks=pytest.mark.engine("debian", "index", "userns"))
DOCKER = pytest.param("docker", marks=pytest.mark.engine("docker", "index"))
PODMAN = pytest.param("podman", marks=pytest.mark.engine("podman", "index"))


@pytest.fixture(params=[OCI, DOCKER])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, shared_cog_cache: Path) -> str:
    """Bring a backend up; commands with ``--backend`` use it."""
    name: str = request.param
    if name in {"docker", "podman"}:
        request.getfixturevalue(f"{name}_engine")
        request.getfixturevalue("python_base")("3.11")
        if bundle := request.getfixturevalue("ca_bundle"):
            monkeypatch.setenv("COG_CA_CERT", str(bundle))
    return name


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder whose name no image has yet."""
    folder = tmp_path / f"story-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


@pytest.fixture
def cog(project: Path, backend: str) -> Iterator[Program]:
    """Give the program, called in the project's folder; the images that are named after the folder go afterwards."""
    yield Program(project, ("--backend", backend))
    if backend in {"docker", "podman"}:
        names = [f"cog-{project.name}", f"cog-{project.name}-base"]
        subprocess.run([backend, "image", "rm", "--force", *names], capture_output=True, check=False)


def example(name: str, folder: Path) -> Path:
    """Copy an example into a folder."""
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    return folder


def hello(folder: Path) -> Path:
    """Write the smallest model, for a Python that both backends have without a registry."""
    (folder / "cog.yaml").write_text('build:\n  python_version: "3.11"\nrun: "run.py:Runner"\n', "utf-8")
    (folder / "run.py").write_text(
        "from cog import BaseRunner\n\n\n"
        "class Runner(BaseRunner):\n"
        "    def setup(self) -> None:\n"
        '        self.greeting = "hello"\n\n'
        "    def run(self, text: str, times: int = 1) -> str:\n"
        '        return " ".join([f"{self.greeting} {text}"] * times)\n',
        "utf-8",
    )
    return folder
