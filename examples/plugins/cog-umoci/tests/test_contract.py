"""umoci keeps the contract of Cog's backends, as far as it goes without running commands."""

from __future__ import annotations

import os

import pytest
from cog_core.errors import UnsupportedPlan
from cog_core.ir import ImageBase
from cog_core.testing import BackendContract, Subject
from cog_umoci import cog_backends

EMPTY_WORDS = pytest.mark.xfail(raises=UnsupportedPlan, reason="umoci 0.4 drops empty words", strict=True)


class TestUmoci(BackendContract):
    @pytest.fixture
    def subject(self):
        """Stand on any image with a Python; BASE_IMAGE names another one, such as oci:DIR."""
        (info,) = cog_backends()
        return Subject(info=info, base=ImageBase(reference=os.environ.get("BASE_IMAGE", "python:3.13-slim")))

    @EMPTY_WORDS
    def test_the_command_is_exact(self, kit):
        super().test_the_command_is_exact(kit)

    @EMPTY_WORDS
    def test_entry_point_and_command_are_exact(self, kit):
        super().test_entry_point_and_command_are_exact(kit)
