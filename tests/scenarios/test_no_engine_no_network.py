"""A laptop on a train: no engine, no network. What was made before still works, the rest says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import example, hello
from tests.support.program import Program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("debian", "index", "userns")]

NOWHERE = "http://127.0.0.1:9"
OFFLINE = {
    "DOCKER_HOST": "unix:///nowhere/docker.sock",
    "CONTAINER_HOST": "unix:///nowhere/podman.sock",
    "BUILDKIT_HOST": "unix:///nowhere/buildkitd.sock",
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE),
    "no_proxy": "",
    "NO_PROXY": "",
}


def test_what_was_built_before_builds_and_runs_again(project: Path, shared_cog_cache: Path) -> None:
    hello(project)
    Program(project).well("build", "--backend", "oci")
    offline = Program(project).within(project, **OFFLINE)

    assert offline.well("run", "-i", "text=world").out.strip() == "hello world"
    assert "oci" in offline.well("build").err
    assert offline.well("schema").out
    assert offline.well("plan").out


def test_what_is_missing_is_said(project: Path, tmp_path: Path) -> None:
    example("digits", project)
    offline = Program(project).within(
        project, **OFFLINE, COG_CACHE_DIR=str(tmp_path / "empty"), UV_CACHE_DIR=str(tmp_path / "uv")
    )

    done = offline("build")

    assert done.code in {3, 5}
    assert "Traceback" not in done.err
    assert "cannot" in done.err or "no " in done.err
    assert offline.well("schema").out
    assert offline.well("config").out


def test_an_engine_that_is_asked_for_and_not_there_is_named(project: Path) -> None:
    hello(project)

    done = Program(project).within(project, **OFFLINE)("build", "--backend", "docker")

    assert done.code == 5
    assert "docker" in done.err
    assert "--backend oci" in done.err
