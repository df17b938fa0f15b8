"""A BuildKit daemon without Docker keeps the contract, root's and an ordinary user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.buildkit.plugin import cog_backends
from cog_core.ir import ImageBase
from cog_core.testing import BackendContract, Subject
from cog_core.testing.contract.fixtures import ContractFixtures
from cog_core.testing.contract.meanings import MeaningChecks
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.small_base import SmallBase
    from tests.engines.bases import BaseImage
    from tests.engines.registry import RunningRegistry

(INFO,) = cog_backends()


class OnBuildkitd(BackendContract):
    """What every run on a daemon of its own shares."""

    @pytest.fixture
    def subject(self, engine: object, small_base: SmallBase, foreign_base: SmallBase) -> Subject:
        base, foreign = (ImageBase(reference=f"oci:{image.layout}") for image in (small_base, foreign_base))
        return Subject(info=INFO, base=base, foreign_base=foreign)

    @pytest.fixture
    def registry(self, oci_registry: RunningRegistry) -> str:
        return oci_registry.address


@pytest.mark.engine("buildkit")
class TestBuildkit(OnBuildkitd):
    """The daemon as root."""

    @pytest.fixture
    def engine(self, buildkit_engine: object) -> object:
        return buildkit_engine


@pytest.mark.slow
@pytest.mark.engine("buildkit-rootless")
class TestBuildkitRootless(OnBuildkitd):
    """The daemon of an ordinary user, who has no more than subordinate ids."""

    @pytest.fixture
    def engine(self, buildkit_rootless: object) -> object:
        return buildkit_rootless


@pytest.mark.slow
@pytest.mark.engine("buildkit")
class TestBuildkitOnPython(MeaningChecks, ContractFixtures):
    """The official base, which has what the runtime needs."""

    @pytest.fixture
    def subject(self, buildkit_engine: object, python_base: Callable[[str], BaseImage]) -> Subject:
        reference = f"oci:{python_base('3.11').layout}:3.11-slim"
        base = ImageBase(reference=reference, python=PythonVersion.parse("3.11"))
        return Subject(info=INFO, base=base, system_package="tree")
