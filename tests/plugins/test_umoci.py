"""The example of a plugin, as a stranger's distribution: installed, found, and held to the contract."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.bases import BaseImage
    from tests.support.environments import Environment

pytestmark = [pytest.mark.engine("umoci"), pytest.mark.timeout(600)]

PROJECT = ROOT / "examples" / "plugins" / "cog-umoci"


@pytest.fixture(scope="module")
def with_umoci(environment: Callable[..., Environment]) -> Environment:
    return environment(PROJECT)


def test_its_source_has_fewer_than_150_lines():
    lines = (PROJECT / "src" / "cog_umoci.py").read_text("utf-8").splitlines()

    assert len(lines) < 150
    assert max(map(len, lines)) <= 118


def test_it_is_found_by_its_entry_point(with_umoci: Environment):
    document = json.loads(with_umoci.well("cog", "backends", "--json").stdout)

    (umoci,) = (backend for backend in document["backends"] if backend["name"] == "umoci")
    assert umoci["usable"]
    assert umoci["version"]


def test_it_keeps_the_contract(with_umoci: Environment, base_layout: Path, tmp_path: Path):
    tests = shutil.copytree(PROJECT / "tests", tmp_path / "tests")

    done = with_umoci.run(
        *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests),
        cwd=tmp_path,
        env={"BASE_IMAGE": f"oci:{base_layout}"},
        seconds=500,
    )

    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.split(" passed")[0].rsplit(None, 1)[-1])
    assert passed >= 60


def test_it_builds_the_first_example_and_the_image_answers(
    with_umoci: Environment,
    python_base: Callable[[str], BaseImage],
    shared_cog_cache: Path,
    tmp_path: Path,
):
    project = shutil.copytree(ROOT / "examples" / "hello", tmp_path / "hello")
    configuration = project / "cog.yaml"
    configuration.write_text(configuration.read_text("utf-8").replace('"3.13"', '"3.11"'), "utf-8")
    base = f"oci:{python_base('3.11').layout}"

    built = with_umoci.well("cog", "build", "--backend", "umoci", "--base-image", base, "-t", "hello", cwd=project)
    asked = with_umoci.well("cog", "run", "hello", "--backend", "oci", "-i", "name=Ada", cwd=tmp_path)

    assert "umoci (umoci " in built.stderr
    assert asked.stdout.strip() == "Hello, Ada!"


def test_a_command_is_refused_before_anything_happens(with_umoci: Environment, base_layout: Path, tmp_path: Path):
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\n  run:\n    - make\n', "utf-8")

    program = f"""
import cog_core
try:
    cog_core.build({str(tmp_path)!r}, backend="umoci", base="oci:{base_layout}", on_event=print)
except cog_core.CogError as error:
    print(error.message, "|", error.hint, "|", error.origin)
"""
    done = with_umoci.well("python", "-c", program, env={"COG_CACHE_DIR": str(tmp_path / "cache")})

    assert "umoci cannot do the command 'make'" in done.stdout
    assert "cog.yaml:4" in done.stdout
    assert "StepStarted" not in done.stdout
    assert not (tmp_path / "cache" / "images" / "blobs").exists()
