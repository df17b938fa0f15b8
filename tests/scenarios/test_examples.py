"""The examples, as newcomers meet them: built and asked on both backends."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import EXAMPLES, example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Program

pytestmark = pytest.mark.timeout(600)


def at_the_shared_python(folder: Path) -> None:
    """Build with a Python that both backends have without a registry."""
    configuration = folder / "cog.yaml"
    configuration.write_text(configuration.read_text("utf-8").replace('"3.13"', '"3.11"'), "utf-8")


def test_hello(cog: Program, project: Path) -> None:
    at_the_shared_python(example("hello", project))

    assert cog.well("run", "-i", "name=you").out.strip() == "Hello, you!"


def test_digits(cog: Program, project: Path) -> None:
    example("digits", project)
    cog.well("build")

    for number, name in ((7, "seven"), (3, "three")):
        picture = EXAMPLES / "digits" / "samples" / f"{name}.png"
        answer = json.loads(cog.well("run", f"cog-{project.name}", "-i", f"image=@{picture}").out)
        assert answer["digit"] == number
        assert len(answer["probabilities"]) == 10


def test_outline(cog: Program, project: Path) -> None:
    at_the_shared_python(example("outline", project))

    done = cog.well("run", "-i", f"image=@{EXAMPLES / 'outline' / 'samples' / 'lighthouse.png'}")

    pictures = sorted(project.glob("output.*.png"))
    assert len(pictures) >= 2
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert done.err.count("Written output to") == len(pictures)


def test_chat(cog: Program, project: Path) -> None:
    at_the_shared_python(example("chat", project))

    first = cog.well("run", "-i", "prompt=In winter", "-i", "seed=7").out
    again = cog.well("run", "-i", "prompt=In winter", "-i", "seed=7").out

    other = cog.well("run", "-i", "prompt=In winter", "-i", "seed=8").out

    assert first == again != other
    assert len("".join(json.loads(first)).split()) > 5


def test_a_pipeline_builds_with_the_library(cog: Program, project: Path, backend: str) -> None:
    at_the_shared_python(example("hello", project))
    script = EXAMPLES / "ci" / "build.py"
    tag = f"cog-{project.name}"

    done = subprocess.run(
        [sys.executable, script, project, "--tag", tag, "--backend", backend, "--layout", project / "layout"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["backend"] == backend
    assert report["inputs"] == ["name"]
    assert (project / "layout" / "oci-layout").is_file()
