"""The embedded backend keeps the contract, on Debian packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.plugin import cog_backends
from cog_core.ir import PythonBase
from cog_core.testing import BackendContract, Subject
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.engine("debian")
class TestOci(BackendContract):
    @pytest.fixture
    def subject(self, shared_cog_cache: Path) -> Subject:
        (info,) = cog_backends()
        return Subject(info=info, base=PythonBase(version=PythonVersion.parse("3.11")))
