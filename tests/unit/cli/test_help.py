"""The program itself: its help, its version, and what it answers to what it does not know."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cog_cli.app import COMMANDS, MEANT

if TYPE_CHECKING:
    from collections.abc import Callable

    Cog = Callable[..., subprocess.CompletedProcess[str]]

FLAGS = {
    "build": [
        "--tag",
        "--file",
        "--progress",
        "--no-cache",
        "--secret",
        "--openapi-schema",
        "--load",
        "--git-labels",
    ],
    "push": ["--file", "--no-cache", "--secret", "--openapi-schema", "--platform"],
    "run": ["--input", "--json", "--output", "--env", "--setup-timeout", "--use-replicate-token", "--gpus"],
    "serve": ["--port", "--host", "--upload-url", "--log-format", "--gpus"],
    "exec": ["--publish", "--env", "--gpus"],
    "login": ["container registry", "Replicate", "other registries", "username and password", "--token-stdin"],
    "debug": ["--output", "--dialect"],
    "plan": ["--json", "--backend"],
}


def test_help_names_every_command(cog: Cog) -> None:
    done = cog("--help")

    assert done.returncode == 0
    assert done.stderr == ""
    for name, summary in COMMANDS.items():
        assert name in done.stdout
        assert summary in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(cog: Cog, name: str) -> None:
    done = cog(name, "--help")

    text = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert text.startswith(f"Usage: cog {name}")
    assert [flag for flag in FLAGS.get(name, []) if flag not in text] == []


def test_help_loads_nothing_of_the_library() -> None:
    program = (
        "import contextlib, io, sys; from cog_cli.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(['--help'])\n"
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"attrs", "attr", "pydantic", "cog_core", "cog_oci", "rich", "yaml"} & set(done.stdout.split())


def test_the_version_says_with_which_cog_we_are_compatible(cog: Cog) -> None:
    done = cog("--version")

    assert done.returncode == 0
    assert done.stdout.startswith("cog ")
    assert "compatible with Cog 0." in done.stdout


@pytest.mark.parametrize(
    ("word", "meant"), [("biuld", "cog build"), ("pus", "cog push"), ("infer", "cog run"), ("http", "cog serve")]
)
def test_an_unknown_command_gets_a_suggestion(cog: Cog, word: str, meant: str) -> None:
    done = cog(word)

    assert done.returncode == 2
    assert f"there is no command {word!r}" in done.stderr
    assert meant in done.stderr
    assert done.stdout == ""


def test_suggestions_lead_to_commands_that_exist() -> None:
    assert set(MEANT.values()) <= set(COMMANDS)
    assert not set(MEANT) & set(COMMANDS)


def test_an_unknown_option_is_a_mistake_of_the_user(cog: Cog) -> None:
    done = cog("build", "--frobnicate")

    assert done.returncode == 2
    assert "--frobnicate" in done.stderr
    assert "Traceback" not in done.stderr
