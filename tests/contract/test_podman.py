"""podman and buildah keep the contract."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.podman.plugin import cog_backends
from cog_core.ir import Capability, ImageBase
from cog_core.ir.steps import Copy, Write
from cog_core.testing import BackendContract, Subject
from cog_core.testing.contract.fixtures import ContractFixtures
from cog_core.testing.contract.meanings import MeaningChecks
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.testing.contract.kit import Kit
    from tests.contract.small_base import SmallBase
    from tests.engines.bases import BaseImage
    from tests.engines.podman import PodmanAccess
    from tests.engines.registry import RunningRegistry

(INFO,) = cog_backends()


class OnPodman(ContractFixtures):
    """What every run on podman shares."""

    @pytest.fixture
    def registry(self, oci_registry: RunningRegistry) -> str:
        return oci_registry.address

    @pytest.fixture
    def engine(self, podman_engine: PodmanAccess) -> PodmanAccess:
        """What builds."""
        return podman_engine

    @pytest.fixture(autouse=True)
    def _tidy(self, engine: PodmanAccess) -> Iterator[None]:
        """Take away what a check leaves in buildah's cache: its images without names."""
        before = set(_nameless())
        yield
        for image in set(_nameless()) - before:
            subprocess.run(["podman", "image", "rm", "--force", image], capture_output=True, check=False)

    def leftovers(self, subject: Subject) -> frozenset[str]:
        containers = _call("buildah", "containers", "--quiet", "--filter", f"ancestor={subject.base.reference}")
        return frozenset({*super().leftovers(subject), *containers})

    def remove_image(self, subject: Subject, reference: str) -> None:
        if names := _call("podman", "images", "--quiet", "--filter", f"reference={reference}"):
            _call("podman", "image", "rm", "--force", *names)


@pytest.mark.engine("podman")
class TestPodman(OnPodman, BackendContract):
    """The small base."""

    @pytest.fixture
    def subject(self, engine: PodmanAccess, small_base: SmallBase) -> Subject:
        return Subject(info=INFO, base=ImageBase(reference=f"docker.io/library/{small_base.load('podman')}"))

    def test_layers_on_the_same_base_under_another_name_are_not_taken(self, kit: Kit) -> None:
        """An image says the name of its base."""
        kit.needs(Capability.REPRODUCIBLE)
        assert isinstance(kit.subject.base, ImageBase)
        kit.put("file", "content")
        plan = kit.plan(Copy(target="/kit/src"), Write(path="/kit/a", content="a"))
        namesake = f"localhost/{kit.tag}-base:1"
        _call("podman", "tag", kit.subject.base.reference, namesake)
        try:
            base = ImageBase(reference=namesake)
            kit.build_plan(attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=base)))
        finally:
            _call("podman", "untag", kit.subject.base.reference, namesake)

        cached, fresh = kit.build_plan(plan), kit.build_plan(plan, no_cache=True)

        assert cached.image.descriptor.digest == fresh.image.descriptor.digest


@pytest.mark.slow
@pytest.mark.engine("podman-newest")
class TestPodmanNewest(TestPodman):
    """The newest of both."""

    @pytest.fixture
    def engine(self, podman_newest_engine: PodmanAccess) -> PodmanAccess:
        return podman_newest_engine


@pytest.mark.slow
@pytest.mark.engine("podman-machine")
class TestPodmanMachine(TestPodman):
    """podman as a client of one in another machine, which sees no file of ours."""

    @pytest.fixture
    def engine(self, podman_machine_engine: PodmanAccess) -> PodmanAccess:
        return podman_machine_engine

    def leftovers(self, subject: Subject) -> frozenset[str]:
        containers = _call("podman", "ps", "--all", "--external", "--quiet", "--no-trunc")
        return frozenset({*ContractFixtures.leftovers(self, subject), *containers})


@pytest.mark.slow
@pytest.mark.engine("podman-machine-old")
class TestOldPodmanMachine(TestPodmanMachine):
    """The same by a podman that sends no folder but one."""

    @pytest.fixture
    def engine(self, podman_machine_old_engine: PodmanAccess) -> PodmanAccess:
        return podman_machine_old_engine


@pytest.mark.slow
@pytest.mark.engine("podman")
class TestPodmanOnPython(OnPodman, MeaningChecks):
    """The official base, which has what the runtime needs."""

    @pytest.fixture
    def subject(self, engine: PodmanAccess, python_base: Callable[[str], BaseImage]) -> Subject:
        python_base("3.11")
        base = ImageBase(reference="docker.io/library/python:3.11-slim", python=PythonVersion.parse("3.11"))
        return Subject(info=INFO, base=base, system_package="tree")


@pytest.mark.engine("podman-newest")
class TestPodmanNewestOnPython(TestPodmanOnPython):
    """The same, by the newest of both."""

    @pytest.fixture
    def engine(self, podman_newest_engine: PodmanAccess) -> PodmanAccess:
        return podman_newest_engine


def _nameless() -> list[str]:
    return _call("podman", "images", "--quiet", "--no-trunc", "--filter", "dangling=true")


def _call(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
