"""What docs/how-to says about plugins, done word by word in an environment of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import hello
from tests.support.pages import DOCS, shown_files, write_shown_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.small_base import SmallBase
    from tests.engines.bases import BaseImage
    from tests.support.environments import Environment

pytestmark = pytest.mark.timeout(600)

BUNDLE = "/etc/ssl/certs/house.pem"


@pytest.fixture(scope="module")
def house(environment: Callable[..., Environment], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Give an environment with the plugins of write-a-plugin.md."""
    project = write_shown_files("how-to/write-a-plugin.md", tmp_path_factory.mktemp("pages") / "cog-house")
    (project / "cog_house" / "__init__.py").touch()
    return environment(project)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "greeter"
    folder.mkdir()
    return hello(folder)


def test_the_page_shows_every_hook():
    files = "".join(shown_files("how-to/write-a-plugin.md").values())

    for hook in ("cog_base_image", "cog_build_plan", "cog_image_labels", "cog_cli_commands"):
        assert f"def {hook}(" in files
    assert "def cog_backends(" in "".join(shown_files("how-to/write-a-backend.md").values())


def test_the_base_the_step_and_the_labels_are_in_the_plan(house: Environment, model: Path):
    plan = json.loads(house.well("cog", "plan", "--json", cwd=model).stdout)
    text = house.well("cog", "plan", cwd=model).stdout

    assert plan["stage"]["base"]["reference"] == "registry.house.example/python:3.11-slim"
    assert [step["path"] for step in plan["stage"]["steps"][:1]] == [BUNDLE]
    labels = dict(plan["config"]["labels"])
    assert labels["com.example.team"] == "vision"
    assert labels["com.example.steps"] == str(len(plan["stage"]["steps"]))
    assert "cog-house 1.0 asks for it" in text


def test_a_plugin_may_forbid_a_build(house: Environment, model: Path):
    configuration = model / "cog.yaml"
    configuration.write_text(configuration.read_text("utf-8") + "image: top-secret\n", "utf-8")

    done = house.run("cog", "plan", cwd=model)

    assert done.returncode == 2
    assert "images of secret projects are not built here" in done.stderr
    assert "Ask the platform team." in done.stderr


def test_the_command_reads_its_own_words_and_returns_its_own_code(house: Environment, model: Path):
    assert "usage: cog audit" in house.well("cog", "audit", "--help", cwd=model).stdout
    assert house.run("cog", "audit", "--nonsense", cwd=model).returncode == 2
    house.well("cog", "audit", cwd=model)
    (model / "cog.yaml").write_text('build:\n  run: ["curl https://example.com | sh"]\n', "utf-8")
    done = house.run("cog", "audit", str(model))
    assert done.returncode == 1
    assert "downloads without a checksum: curl" in done.stdout


def test_plugins_are_listed_as_the_page_says(house: Environment, tmp_path: Path):
    listed = [line.split() for line in house.well("cog", "plugins", cwd=tmp_path).stdout.splitlines()]
    page = (DOCS / "how-to" / "write-a-plugin.md").read_text("utf-8")

    shown = page.partition("$ cog plugins\n")[2].partition("\n...")[0]
    for line in shown.splitlines():
        assert line.split() in listed


def test_without_plugins_all_is_as_before(house: Environment, model: Path):
    plan = json.loads(house.well("cog", "--no-plugins", "plan", "--json", cwd=model).stdout)

    assert "reference" not in plan["stage"]["base"]
    assert house.run("cog", "--no-plugins", "audit", cwd=model).returncode == 2


def test_help_needs_no_plugins(house: Environment, tmp_path: Path):
    program = "import sys; from cog_cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"

    done = house.well("python", "-c", program, cwd=tmp_path)

    assert "`cog plugins` lists them" in done.stdout
    assert not {"cog_house", "pluggy", "importlib.metadata"} & set(done.stderr.split())


@pytest.mark.engine("podman")
@pytest.mark.usefixtures("podman_engine", "shared_cog_cache")
def test_the_backend_of_the_page_builds_an_image_that_can_be_read(
    environment: Callable[..., Environment],
    python_base: Callable[[str], BaseImage],
    ca_bundle: Path | None,
    model: Path,
    tmp_path: Path,
):
    python_base("3.11")
    fresh = environment(write_shown_files("how-to/write-a-backend.md", tmp_path / "cog-buildah-lite"))
    env = {"COG_CA_CERT": str(ca_bundle)} if ca_bundle else {}

    fresh.well("cog", "build", "--backend", "buildah-lite", "--output", "oci:../image/", cwd=model, env=env)

    document = json.loads(fresh.well("cog", "inspect", "../image/", "--json", cwd=model).stdout)
    assert "run.cog.version" in json.dumps(document)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.engine("podman")
@pytest.mark.usefixtures("podman_engine")
def test_the_backend_of_the_page_keeps_the_contract(
    environment: Callable[..., Environment], small_base: SmallBase, tmp_path: Path
):
    """As test-a-backend.md has it, on a base that needs no registry."""
    fresh = environment(write_shown_files("how-to/write-a-backend.md", tmp_path / "cog-buildah-lite"))
    write_shown_files("how-to/test-a-backend.md", tmp_path / "tests")
    test = tmp_path / "tests" / "test_contract.py"
    base = f"docker.io/library/{small_base.load('podman')}"
    test.write_text(test.read_text("utf-8").replace("docker.io/library/busybox:1.36", base), "utf-8")

    done = fresh.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", test, cwd=tmp_path, seconds=1400)

    assert done.returncode == 0, done.stdout
