"""The embedded backend keeps the contract, on Debian packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.plugin import cog_backends
from cog_core.ir import ImageBase, PythonBase
from cog_core.testing import BackendContract, Subject
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.small_base import SmallBase


@pytest.mark.engine("debian")
class TestOci(BackendContract):
    @pytest.fixture
    def subject(self, shared_cog_cache: Path, foreign_base: SmallBase) -> Subject:
        (info,) = cog_backends()
        foreign = ImageBase(reference=f"oci:{foreign_base.layout}")
        base = PythonBase(version=PythonVersion.parse("3.11"))
        return Subject(info=info, base=base, foreign_base=foreign, system_package="tree")
