"""A Docker engine keeps the contract, by the way to its builder that is found here."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.docker.plugin import cog_backends
from cog_core.ir import ImageBase, PythonBase
from cog_core.settings import Settings
from cog_core.testing import BackendContract, Subject
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.small_base import SmallBase
    from tests.engines.registry import RunningRegistry


(INFO,) = cog_backends()


class OnDocker(BackendContract):
    """What every run on a Docker engine shares."""

    @pytest.fixture
    def registry(self, oci_registry: RunningRegistry) -> str:
        return oci_registry.address

    def leftovers(self, subject: Subject) -> frozenset[str]:
        base = (
            subject.base.reference if isinstance(subject.base, ImageBase) else f"python:{subject.base.version}-slim"
        )
        containers = _docker("ps", "--all", "--quiet", "--filter", f"ancestor={base}").split()
        return frozenset({*super().leftovers(subject), *containers})

    def remove_image(self, subject: Subject, reference: str) -> None:
        names = _docker("images", "--format", "{{.Repository}}:{{.Tag}}", reference).split()
        if names:
            _docker("image", "rm", "--force", *names)


class OnBuildkit(OnDocker):
    """BuildKit, however it is reached."""


@pytest.mark.engine("docker")
class TestDocker(OnBuildkit):
    """The way that is found here: BuildKit by Debian's client, where there is no buildx."""

    @pytest.fixture
    def subject(self, docker_engine: object, small_base: SmallBase) -> Subject:
        return Subject(info=INFO, base=ImageBase(reference=small_base.load("docker")))


@pytest.mark.engine("docker")
class TestDockerClassic(OnDocker):
    """The builder before BuildKit, which is left where no client can do more."""

    @pytest.fixture
    def subject(self, docker_engine: object, small_base: SmallBase, tmp_path: Path) -> Subject:
        settings = Settings.from_environ()
        environ = {**settings.environ, "PATH": str(tmp_path / "no-programs")}
        base = ImageBase(reference=small_base.load("docker"))
        return Subject(info=INFO, base=base, settings=attrs.evolve(settings, environ=environ))


@pytest.mark.slow
@pytest.mark.engine("docker", "buildx")
class TestDockerWithBuildx(OnBuildkit):
    """BuildKit by the buildx plugin."""

    @pytest.fixture
    def subject(self, docker_engine: object, docker_config_buildx: Path, small_base: SmallBase) -> Subject:
        return Subject(info=INFO, base=ImageBase(reference=small_base.load("docker")))


@pytest.mark.slow
@pytest.mark.engine("docker-rootless")
class TestDockerRootless(OnBuildkit):
    """An ordinary user's engine, in a network of its own."""

    @pytest.fixture
    def subject(self, docker_rootless: object, small_base: SmallBase) -> Subject:
        return Subject(info=INFO, base=ImageBase(reference=small_base.load("docker")))

    @pytest.fixture
    def registry(self) -> str:
        pytest.skip("from its network an ordinary user's engine does not reach this machine's 127.0.0.1")


@pytest.mark.engine("docker-containerd")
class TestDockerWithContainerd(OnBuildkit):
    """A newer engine, whose images lie in containerd's store and are named by their manifests."""

    @pytest.fixture
    def subject(self, docker_containerd_engine: object, small_base: SmallBase) -> Subject:
        return Subject(info=INFO, base=ImageBase(reference=small_base.load("docker")))


@pytest.mark.slow
@pytest.mark.engine("docker")
class TestDockerOnPython(OnBuildkit):
    """The official base, which has what the runtime needs."""

    @pytest.fixture
    def subject(self, docker_engine: object, python_base: Callable[[str], object]) -> Subject:
        python_base("3.11")
        return Subject(info=INFO, base=PythonBase(version=PythonVersion.parse("3.11")), system_package="tree")


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout
