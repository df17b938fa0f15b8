"""Checks of what a build may see of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from cog_core.errors import BackendError
from cog_core.ir import Copy

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit


_RULES: Final = """\
# a comment
*.log
!keep.log
**/__pycache__
data/*
!data/keep
  spaced
[ab]x
"""


class ContextChecks:
    """``.dockerignore`` and what is left out anyway."""

    def test_dockerignore_is_honoured(self, kit: Kit) -> None:
        """Anchored patterns, ``**``, exceptions, comments, and the last pattern that matches decides."""
        kit.put(
            ".dockerignore", "# a comment\n*.log\n!keep.log\n**/__pycache__\ndata/*\n!data/keep\n  spaced  \n[ab]x\n"
        )
        kept = ["keep.log", "deep/other.log", "data/keep", "cx", "main.py"]
        left_out = ["drop.log", "__pycache__/m.pyc", "deep/__pycache__/m.pyc", "data/drop", "spaced", "ax"]
        for name in (*kept, *left_out):
            kit.put(name, name)

        built = kit.build(Copy(target="/kit/src"))

        assert sorted(built.contents("src")) == sorted([*kept, ".dockerignore"])

    def test_what_comes_back_in_an_excluded_folder_is_there_alone(self, kit: Kit) -> None:
        """An exception below an excluded folder brings back that file and nothing else."""
        kit.put(".dockerignore", "private\n!private/public\n")
        kit.put("private/public", "yes")
        kit.put("private/secret", "no")

        built = kit.build(Copy(target="/kit/src"))

        assert built.contents("src") == {".dockerignore": b"private\n!private/public\n", "private/public": b"yes"}

    def test_the_folder_cog_never_takes_part(self, kit: Kit) -> None:
        """``.cog`` is left out of every project, whatever ``.dockerignore`` says."""
        kit.put(".dockerignore", "!.cog\n")
        kit.put(".cog/cache", "no")

        built = kit.build(Copy(target="/kit/src"))

        assert sorted(built.contents("src")) == [".dockerignore"]

    def test_a_file_that_is_left_out_cannot_be_copied_by_name(self, kit: Kit) -> None:
        """It is not part of the context, so it is not there."""
        kit.put(".dockerignore", "hidden\n")
        kit.put("hidden", "no")

        with pytest.raises(BackendError):
            kit.build(Copy(source="hidden", target="/kit/hidden"))
