"""What version control says about a project, asked only when somebody wants it in the image's labels."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from cog_core.errors import CogError
from cog_core.labels import SourceFacts
from cog_core.process import Command

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.process import Runner
    from cog_core.settings import Settings

_PATIENCE: Final = 3.0
"""Seconds that git gets, as upstream gives it (reference, section 5.1)."""


def source_facts(folder: Path, settings: Settings, run: Runner) -> SourceFacts:
    """Return commit and tag, from the variables of GitHub's runners or from git; None for what nobody knows."""
    environ = settings.environ
    return SourceFacts(
        revision=environ.get("GITHUB_SHA") or _git(folder, run, "rev-parse", "HEAD"),
        version=environ.get("GITHUB_REF_NAME") or _git(folder, run, "describe", "--tags", "--dirty"),
    )


def _git(folder: Path, run: Runner, *arguments: str) -> str | None:
    with contextlib.suppress(CogError):
        done = run(Command(argv=("git", *arguments), cwd=folder, timeout=_PATIENCE))
        if done.code == 0:
            return done.stdout.strip() or None
    return None
