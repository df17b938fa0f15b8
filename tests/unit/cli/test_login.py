"""Logging in: tried at a real registry, kept where docker and podman look."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from cog_core.testing.registry import Registry, serve

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Cog = Callable[..., subprocess.CompletedProcess[str]]

HELPER = """#!/bin/sh
cat > "$(dirname "$0")/stored-$1"
"""


@pytest.fixture
def registry() -> Registry:
    return Registry(auth="basic", users={"ada": "right"})


def test_a_login_that_works_is_kept_for_docker(cog: Cog, registry: Registry, isolated: Path) -> None:
    with serve(registry) as host:
        done = cog("login", host, "-u", "ada", "--token-stdin", stdin="right\n")

    kept = isolated / ".docker" / "config.json"
    assert done.returncode == 0, done.stderr
    assert f"Login succeeded for {host}" in done.stderr
    assert base64.b64decode(json.loads(kept.read_text())["auths"][host]["auth"]) == b"ada:right"
    assert kept.stat().st_mode & 0o077 == 0
    assert "right" not in done.stdout + done.stderr


def test_a_login_that_does_not_work_is_not_kept(cog: Cog, registry: Registry, isolated: Path) -> None:
    with serve(registry) as host:
        done = cog("--registry", host, "login", "-u", "ada", "--token-stdin", stdin="wrong\n")

    assert done.returncode == 6
    assert host in done.stderr
    assert "wrong" not in done.stderr
    assert not (isolated / ".docker").exists()


def test_a_credential_helper_gets_the_login_instead_of_the_file(cog: Cog, registry: Registry, tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-box"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "box"}')
    with serve(registry) as host:
        environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = cog("login", host, "-u", "ada", "--token-stdin", stdin="right", env=environ)

    stored = json.loads((tmp_path / "stored-store").read_text())
    assert done.returncode == 0, done.stderr
    assert stored == {"ServerURL": host, "Username": "ada", "Secret": "right"}
    assert "right" not in (tmp_path / "config.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "stdin", "fact"),
    [
        (["example.com"], "", "needs a terminal"),
        (["example.com", "--token-stdin"], "x", "--token-stdin needs --username"),
        (["example.com", "-u", "ada", "--token-stdin"], "", "password cannot be empty"),
        (["r8.im", "--token-stdin"], "r8_abc", "that looks like a Replicate API token"),
        (["r8.im", "--token-stdin"], "", "token is empty"),
    ],
)
def test_a_login_that_cannot_be_is_refused(cog: Cog, arguments: list[str], stdin: str, fact: str) -> None:
    done = cog("login", *arguments, stdin=stdin)

    assert done.returncode == 2
    assert fact in done.stderr
    assert "r8_abc" not in done.stderr
