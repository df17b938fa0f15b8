"""A platform engineer publishes a model: log in, push, and find it in the registry as others would."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from cog_oci.credentials import Login, save_login
from tests.scenarios.conftest import hello

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.registry import RunningRegistry
    from tests.support.program import Program

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine("registry", "skopeo")]


def test_what_is_pushed_can_be_pulled_by_strangers(
    cog: Program, project: Path, oci_registry: RunningRegistry
) -> None:
    hello(project)
    name = f"{oci_registry.address}/team/{project.name}:1"

    done = cog.well("push", name)

    assert f"Pushing to {name}" in done.err
    seen = inspect(name)
    assert seen["Labels"]["run.cog.version"]
    assert seen["Digest"] in done.err
    cog.well("run", name, "-i", "text=world")


def test_a_registry_that_wants_a_login_gets_it(
    cog: Program, project: Path, backend: str, oci_registry_with_login: RunningRegistry, isolated: Path
) -> None:
    hello(project)
    registry = oci_registry_with_login
    name = f"{registry.address}/team/{project.name}:1"

    refused = cog("push", name)
    assert refused.code == 6
    assert "cog login" in refused.err

    assert registry.user
    assert registry.password
    (isolated / ".docker").mkdir(exist_ok=True)
    save_login(isolated / ".docker" / "config.json", registry.address, Login(registry.user, registry.password))
    done = cog.well("push", name)

    assert registry.password not in done.err
    assert inspect(name, f"{registry.user}:{registry.password}")["Labels"]["run.cog.config"]


def inspect(name: str, login: str = "") -> dict[str, dict[str, str]]:
    options = ["--creds", login] if login else []
    command = ["skopeo", "inspect", "--tls-verify=false", *options, f"docker://{name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, dict[str, str]] = json.loads(done.stdout)
    return seen
