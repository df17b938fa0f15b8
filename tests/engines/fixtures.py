"""Engines as tests use them; a fixture brings its engine up even where the marker was forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs
import pytest

from tests.engines import registry
from tests.engines.bases import BaseImage, Store
from tests.engines.buildkit import Buildkit, BuildkitAccess
from tests.engines.buildkit_rootless import BuildkitRootless
from tests.engines.buildx import Buildx
from tests.engines.cacert import ca_bundle as find_ca_bundle
from tests.engines.certificates import make as make_certificates
from tests.engines.chromium import Chromium
from tests.engines.debian import Debian
from tests.engines.docker import Docker, DockerAccess
from tests.engines.docker_containerd import DockerContainerd
from tests.engines.docker_rootless import DockerRootless
from tests.engines.kubernetes import Cluster, Kubernetes
from tests.engines.machine import Unavailable
from tests.engines.plugin import provide, wanted
from tests.engines.podman import Podman, PodmanAccess
from tests.engines.podman_machine import OldPodmanMachine, PodmanMachine
from tests.engines.podman_newest import PodmanNewest
from tests.engines.rootless import Rootless
from tests.engines.s3 import S3, RunningS3
from tests.support.isolation import REAL_ENVIRON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.engine import Engine
    from tests.engines.session import Engines

_E = TypeVar("_E", bound="Engine")
_A = TypeVar("_A", DockerAccess, PodmanAccess, BuildkitAccess)
_DEBIAN_DOCKER = Path("/usr/bin/docker")


@pytest.fixture
def docker_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DockerAccess:
    """Give a Docker engine that answers; what its clients need is in the test's environment."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, Docker).access())


@pytest.fixture
def docker_rootless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DockerRootless:
    """Give an ordinary user's Docker engine; ``DOCKER_HOST`` leads to it."""
    engine = provide(request.config, lambda engines: _kind(engines, DockerRootless))
    for name, value in engine.access().environ.items():
        monkeypatch.setenv(name, value)
    return engine


@pytest.fixture
def docker_cli_debian(request: pytest.FixtureRequest, docker_engine: DockerAccess) -> Path:
    """Give the client that Debian packages with its engine; on ``PATH`` there may be a newer one before it."""

    def find(engines: Engines) -> Path:
        asked = engines.machine.attempt(("dpkg", "--search", _DEBIAN_DOCKER))
        if asked.returncode:
            raise Unavailable(f"{_DEBIAN_DOCKER} is not Debian's", "on Debian: apt-get install docker.io")
        return _DEBIAN_DOCKER

    return provide(request.config, find)


@pytest.fixture
def docker_config_buildx(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a ``DOCKER_CONFIG`` folder, set in the test's environment, whose client has the buildx plugin."""
    folder = provide(request.config, lambda engines: _kind(engines, Buildx).config_folder(tmp_path / "docker-config"))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def docker_containerd_engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DockerAccess:
    """Give a newer engine with containerd's image store, with its own client and buildx, instead of the usual one."""
    engine = provide(request.config, lambda engines: _kind(engines, DockerContainerd))
    access = engine.access()
    for name, value in access.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCKER_CONFIG", str(engine.config_folder(tmp_path / "docker-config")))
    return access


@pytest.fixture
def docker_remote_engine(
    request: pytest.FixtureRequest, docker_containerd_engine: DockerAccess, monkeypatch: pytest.MonkeyPatch
) -> DockerAccess:
    """Give the newer engine by its address with TLS: nothing tells clients that it sees this machine's files."""
    engine = provide(request.config, lambda engines: _kind(engines, DockerContainerd))
    environ = {
        "DOCKER_HOST": engine.remote_host,
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(engine.certificates),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return attrs.evolve(docker_containerd_engine, host=engine.remote_host, environ=environ)


@pytest.fixture
def podman_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PodmanAccess:
    """Give a podman that works; what it needs is in the test's environment."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, Podman).access())


@pytest.fixture
def podman_newest_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PodmanAccess:
    """Give the newest podman and buildah; ``PATH`` leads to them."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, PodmanNewest).access())


@pytest.fixture
def podman_machine_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PodmanAccess:
    """Give a podman that works in another machine; ``CONTAINER_HOST`` leads there."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, PodmanMachine).access())


@pytest.fixture
def podman_machine_old_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PodmanAccess:
    """Give Debian's podman as a client of another machine."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, OldPodmanMachine).access())


@pytest.fixture
def rootless(request: pytest.FixtureRequest) -> Rootless:
    """Give an ordinary user's podman, to a test run by root."""
    return provide(request.config, lambda engines: _kind(engines, Rootless))


@pytest.fixture
def buildkit_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BuildkitAccess:
    """Give a BuildKit daemon without Docker; ``BUILDKIT_HOST`` and ``PATH`` are set in the test's environment."""
    return _used(request, monkeypatch, lambda engines: _kind(engines, Buildkit).access())


@pytest.fixture
def buildkit_rootless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BuildkitRootless:
    """Give an ordinary user's BuildKit daemon; ``BUILDKIT_HOST`` and ``PATH`` lead to it."""
    engine = provide(request.config, lambda engines: _kind(engines, BuildkitRootless))
    for name, value in engine.access().environ.items():
        monkeypatch.setenv(name, value)
    return engine


@pytest.fixture(scope="session")
def certificates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give certificates for a server on 127.0.0.1 and for its clients; see :mod:`tests.engines.certificates`."""
    folder = tmp_path_factory.mktemp("certificates")
    return provide(request.config, lambda engines: make_certificates(engines.machine, folder))


@pytest.fixture
def oci_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[registry.RunningRegistry]:
    """Give a fresh, empty registry that asks for no login."""
    yield from _serve(request, tmp_path / "registry", login=False)


@pytest.fixture
def oci_registry_with_login(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[registry.RunningRegistry]:
    """Give a fresh, empty registry that asks for a user name and a password."""
    yield from _serve(request, tmp_path / "registry-with-login", login=True)


@pytest.fixture
def s3_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningS3]:
    """Give a fresh server of the S3 protocol, with one empty bucket."""
    engine = provide(request.config, lambda engines: _kind(engines, S3))
    with engine.serve(tmp_path) as running:
        yield running


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Give a fresh Kubernetes cluster of one node; ``kubectl`` of the test's environment reaches it."""
    engine = provide(request.config, lambda engines: _kind(engines, Kubernetes))
    (tmp_path / "cluster").mkdir()
    with engine.serve(tmp_path / "cluster") as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def python_base(request: pytest.FixtureRequest) -> Callable[[str], BaseImage]:
    """Provide Python base images: ``python_base("3.12")``.

    The image is put into the stores of the engines that the test is marked with (docker, docker-containerd, podman);
    without such a marker it is on disk only.
    """
    names = set(wanted(request.node)) & {
        Docker.name,
        DockerContainerd.name,
        DockerRootless.name,
        Podman.name,
        PodmanNewest.name,
        PodmanMachine.name,
        OldPodmanMachine.name,
    }

    def get(version: str) -> BaseImage:
        return provide(request.config, lambda engines: engines.bases.python(version, _stores(engines, names)))

    return get


@pytest.fixture(scope="session")
def ca_bundle() -> Path | None:
    """Give the certificates that containers need on this network, for ``COG_CA_CERT``; None: they need none."""
    return find_ca_bundle(REAL_ENVIRON)


@pytest.fixture
def debian_mirror(request: pytest.FixtureRequest) -> str:
    """Give the address of a Debian mirror that answers."""
    return provide(request.config, lambda engines: _kind(engines, Debian).mirror()) or ""


@pytest.fixture
def chromium(request: pytest.FixtureRequest) -> Path:
    """Give the program that is the browser."""
    return Path(provide(request.config, lambda engines: _kind(engines, Chromium).path()) or "")


def _used(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, get: Callable[[Engines], _A]) -> _A:
    """Provide access to an engine, with what its clients need in the test's environment."""
    access = provide(request.config, get)
    for name, value in access.environ.items():
        monkeypatch.setenv(name, value)
    return access


def _kind(engines: Engines, kind: type[_E]) -> _E:
    engine = engines.get(kind.name)
    assert isinstance(engine, kind)
    return engine


def _stores(engines: Engines, names: set[str]) -> list[Store]:
    stores = []
    if Docker.name in names:
        stores.append(Store(client="docker", environ=_kind(engines, Docker).access().environ))
    if DockerContainerd.name in names:
        stores.append(Store(client="docker", environ=_kind(engines, DockerContainerd).access().environ))
    if DockerRootless.name in names:
        stores.append(Store(client="docker", environ=_kind(engines, DockerRootless).access().environ))
    if PodmanNewest.name in names:
        stores.append(Store(client="podman", environ=_kind(engines, PodmanNewest).access().environ))
    if PodmanMachine.name in names:
        stores.append(Store(client="podman", environ=_kind(engines, PodmanMachine).environ()))
    if OldPodmanMachine.name in names:
        stores.append(Store(client="podman", environ=_kind(engines, OldPodmanMachine).environ()))
    if Podman.name in names:
        stores.append(Store(client="podman", environ=_kind(engines, Podman).environ()))
    return stores


def _serve(request: pytest.FixtureRequest, folder: Path, *, login: bool) -> Iterator[registry.RunningRegistry]:
    provide(request.config, lambda engines: engines.get(registry.Registry.name))
    folder.mkdir()
    with registry.serve(folder, login=login) as running:
        yield running
