"""What this machine offers: backends, plugins that fail, and others of our name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cog_cli.namesakes import namesakes
from cog_cli.source_facts import source_facts
from cog_core import process
from cog_core.settings import Settings
from tests.unit.plugins.test_loading import install

if TYPE_CHECKING:
    from collections.abc import Callable

    Cog = Callable[..., subprocess.CompletedProcess[str]]


def test_every_backend_is_listed_with_its_state(cog: Cog, tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}

    text, document = cog("backends", env=nowhere), json.loads(cog("backends", "--json", env=nowhere).stdout)

    found = {backend["name"]: backend for backend in document["backends"]}
    assert set(found) >= {"docker", "oci"}
    assert text.returncode == 0
    for name, backend in found.items():
        assert f"{name}: {'usable' if backend['usable'] else 'not usable here'}" in text.stdout
        assert backend["reason"] in text.stdout
    assert not found["docker"]["usable"]
    assert found["docker"]["fix"]
    assert document["chosen"] is None or found[document["chosen"]]["usable"]


def test_a_plugin_that_does_not_work_is_named(cog: Cog) -> None:
    done = cog("backends", env={"COG_DISABLE_PLUGINS": "docker"})

    assert "Plugins that are not used" in done.stdout
    assert "switched off by COG_DISABLE_PLUGINS" in done.stdout


@pytest.mark.parametrize("verb", ["plugins", "plan"])
def test_a_misspelt_plugin_to_switch_off_is_told_on_one_line(cog: Cog, tmp_path: Path, verb: str) -> None:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\n')

    done = cog(verb, cwd=tmp_path, env={"COG_DISABLE_PLUGINS": "podamn"})

    told = "warning: COG_DISABLE_PLUGINS names 'podamn', and no plugin has that name; did you mean podman?"
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines().count(told) == 1


def test_a_plugin_that_takes_long_to_import_is_named(tmp_path: Path) -> None:
    install(tmp_path / "site", "cog-slow", "import time\ntime.sleep(0.7)\n", version="3")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "COG_PROBE_TIMEOUT": "0.2"}
    program = Path(sys.executable).with_name("cog")

    done = subprocess.run([program, "plugins"], env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "warning: the plugin cog-slow of cog-slow 3 is still being loaded after 0.2 s" in done.stderr
    assert "COG_DISABLE_PLUGINS=cog-slow" in done.stderr
    assert "cog-slow" in done.stdout


def test_in_a_project_the_listing_says_what_each_lacks_for_its_plan(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\n  run:\n    - make it\n')

    document = json.loads(cog("backends", "--json", cwd=tmp_path).stdout)
    text = cog("backends", cwd=tmp_path).stdout

    oci = next(backend for backend in document["backends"] if backend["name"] == "oci")
    assert document["plan"]
    assert not oci["able"]
    assert ("run", "cog.yaml:4:7 (build.run[0])") in [(need["capability"], need["origin"]) for need in oci["lacks"]]
    assert document["chosen"] != "oci"
    assert "oci: usable, but not for this project" in text
    assert "lacks   run, for the command 'make it' (cog.yaml:4:7 (build.run[0]))" in text


def test_the_project_s_own_choice_is_told(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\nbackend: oci\n')

    done = cog("backends", cwd=tmp_path)

    assert "oci is taken unless --backend says otherwise: cog.yaml names it." in done.stdout
    (tmp_path / "cog.yaml").write_text("backend: kaniko\n")
    done = cog("backends", cwd=tmp_path)
    assert done.returncode == 4
    assert "cog.yaml names 'kaniko', and there is no such backend" in done.stderr


def test_a_project_that_cannot_be_planned_does_not_hide_the_listing(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "2.7"\n')

    done = cog("backends", cwd=tmp_path)

    assert done.returncode == 0
    assert "What the backends lack for this project is not known" in done.stdout
    assert "oci: usable" in done.stdout


def test_a_backend_that_nobody_has_is_an_error_after_the_listing(cog: Cog) -> None:
    done = cog("backends", env={"COG_BACKEND": "kaniko", "COG_DISABLE_PLUGINS": "docker"})

    assert done.returncode == 4
    assert "COG_BACKEND names 'kaniko'" in done.stderr
    assert "oci" in done.stdout


def test_another_program_of_our_name_is_named(tmp_path: Path) -> None:
    stranger = tmp_path / "cog"
    stranger.write_text("#!/bin/sh\n")
    stranger.chmod(0o755)
    here = Path(sys.executable).parent

    first = namesakes(Settings.from_environ({"HOME": "/h", "PATH": f"{tmp_path}{os.pathsep}{here}"}))
    behind = namesakes(Settings.from_environ({"HOME": "/h", "PATH": f"{here}{os.pathsep}{tmp_path}"}))

    assert any(str(stranger) in line and "that a shell starts" in line for line in first)
    assert (here / "cog").exists() is any("ours comes first" in line for line in behind)


def test_another_package_of_our_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "cog").mkdir()
    (tmp_path / "cog" / "__init__.py").write_text("")

    done = subprocess.run(
        [sys.executable, "-m", "cog_cli.main", "backends", "--json"], cwd=tmp_path, capture_output=True, check=True
    )

    found = json.loads(done.stdout)["namesakes"]
    assert any(str(tmp_path / "cog" / "__init__.py") in line for line in found)


def test_facts_of_version_control_come_from_the_runner_of_ci_first(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "GITHUB_SHA": "abc", "GITHUB_REF_NAME": "v1"}

    facts = source_facts(tmp_path, Settings.from_environ(environ), process.run)

    assert (facts.revision, facts.version) == ("abc", "v1")


def test_a_folder_without_version_control_has_no_facts(tmp_path: Path) -> None:
    facts = source_facts(tmp_path, Settings.from_environ({"HOME": "/h"}), process.run)

    assert (facts.revision, facts.version) == (None, None)
