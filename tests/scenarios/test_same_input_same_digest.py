"""A platform engineer compares two builds: equal projects give one digest, wherever and however they lie."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.conftest import example
from tests.support.program import Program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine("debian", "index"), pytest.mark.timeout(600)]


def test_two_folders_two_umasks_and_two_caches_give_one_digest(tmp_path: Path, shared_cog_cache: Path) -> None:
    first = example("digits", tmp_path / "one" / "digits")
    second = umasked(0o077, lambda: example("digits", tmp_path / "two" / "elsewhere" / "digits"))
    for path in second.rglob("*"):
        os.utime(path, (1, 1))

    own_cache = {"COG_CACHE_DIR": str(tmp_path / "cache")}
    digests = {
        digest(Program(first, ("--backend", "oci")), "one:1"),
        digest(Program(first, ("--backend", "oci", "--no-cache")), "one:2"),
        umasked(0o077, lambda: digest(Program(second, ("--backend", "oci"), tuple(own_cache.items())), "one:1")),
    }

    assert len(digests) == 1


def digest(program: Program, tag: str) -> str:
    program.well("build", "--tag", tag)
    return str(json.loads(program.well("inspect", "--json", tag).out)["digest"])


def umasked(umask, action):
    before = os.umask(umask)
    try:
        return action()
    finally:
        os.umask(before)
