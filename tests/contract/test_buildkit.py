"""A BuildKit daemon without Docker keeps the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.buildkit.plugin import cog_backends
from cog_core.ir import ImageBase
from cog_core.testing import BackendContract, Subject

if TYPE_CHECKING:
    from tests.contract.small_base import SmallBase
    from tests.engines.registry import RunningRegistry

(INFO,) = cog_backends()


@pytest.mark.engine("buildkit")
class TestBuildkit(BackendContract):
    @pytest.fixture
    def subject(self, buildkit_engine: object, small_base: SmallBase, foreign_base: SmallBase) -> Subject:
        base, foreign = (ImageBase(reference=f"oci:{image.layout}") for image in (small_base, foreign_base))
        return Subject(info=INFO, base=base, foreign_base=foreign)

    @pytest.fixture
    def registry(self, oci_registry: RunningRegistry) -> str:
        return oci_registry.address
