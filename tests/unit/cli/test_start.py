"""What the program loads before it builds: nothing that only other builds need (decision 17)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SLOW = (
    "cog_core.lock.resolver",
    "concurrent.futures",
    "configparser",
    "dataclasses",
    "decimal",
    "difflib",
    "docker",
    "importlib.metadata",
    "logging",
    "requests",
    "ssl",
    "tarfile",
    "tempfile",
    "typer",
    "urllib3",
    "uv",
    "zipfile",
)


LAYOUT = "cog_oci.layout"
"""For backends that write none, or not before they have asked their engine."""


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("cog_cli.commands.build_command", {LAYOUT}),
        ("cog_backends.docker.backend", {LAYOUT}),
        ("cog_backends.buildkit.backend", {LAYOUT, "cog_backends.buildkit.build"}),
        ("cog_backends.oci.backend", set()),
        ("cog_backends.podman.backend", set()),
    ],
)
def test_a_build_loads_nothing_that_is_slow_and_rarely_needed(module: str, more: set[str]) -> None:
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(json.loads(done.stdout)).isdisjoint({*SLOW, *more})
