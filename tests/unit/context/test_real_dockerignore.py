"""The rules of ``.dockerignore`` compared with what Docker's own client sends to an engine."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from cog_core.context import BuildContext, EntryKind, IgnoreRules
from cog_core.process import Command, run
from tests.unit.context.kit import PATTERNS, make_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.engine("docker")
@pytest.mark.timeout(300)
def test_a_context_holds_the_files_that_docker_sends(docker_cli_debian: Path, tmp_path: Path):
    tree = tmp_path / "tree"
    make_tree(tree)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    ours, theirs = {}, {}
    for patterns in PATTERNS:
        (tmp_path / "Dockerfile.dockerignore").write_text(patterns, "utf-8")
        theirs[patterns] = sent(str(docker_cli_debian), dockerfile, tree, tmp_path / "out.tar")
        entries = BuildContext(tree, IgnoreRules.read(patterns)).entries
        ours[patterns] = sorted(entry.path for entry in entries if entry.kind is EntryKind.FILE)

    assert ours == theirs


def sent(docker: str, dockerfile: Path, tree: Path, archive: Path) -> list[str]:
    build = (docker, "build", "-q", "-f", str(dockerfile), "--output", f"type=tar,dest={archive}", str(tree))
    run(Command(argv=build, env={**os.environ, "DOCKER_BUILDKIT": "1"})).check()
    with tarfile.open(archive) as found:
        return sorted(member.name for member in found if member.isfile())
