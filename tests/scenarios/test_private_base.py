"""A company's base image lies in a registry that wants a login; each engine gets it with the one of `cog login`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.buildkit.plugin import cog_backends as buildkit
from cog_backends.docker.plugin import cog_backends as docker
from cog_backends.podman.plugin import cog_backends as podman
from cog_core.errors import BuildFailed
from cog_core.ir import ImageBase, Write
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from cog_oci.credentials import Login, save_login
from tests.contract.small_base import SmallBase, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.backend import BackendInfo
    from cog_core.events import Event
    from tests.engines.registry import RunningRegistry

pytestmark = [pytest.mark.engine("registry", "skopeo")]


@attrs.frozen
class Way:
    """A way to an engine.

    Attributes:
        hook: The backend.
        fixture: Brings the engine up.
        engines: What the test needs.
        client: Removes the base from the engine's store; empty where there is none.
        slow: It needs a program that is compiled for it alone.
        programs: False hides every program, so that only the engine's own API is left.
    """

    hook: Callable[[], Iterator[BackendInfo]]
    fixture: str
    engines: tuple[str, ...]
    client: str = "docker"
    programs: bool = True
    slow: bool = False


WAYS = {
    "docker": Way(docker, "docker_engine", ("docker",)),
    "docker-classic": Way(docker, "docker_engine", ("docker",), programs=False),
    "docker-buildx": Way(docker, "docker_config_buildx", ("docker", "buildx"), slow=True),
    "docker-containerd": Way(docker, "docker_containerd_engine", ("docker-containerd",)),
    "podman": Way(podman, "podman_engine", ("podman",), client="podman"),
    "buildkit": Way(buildkit, "buildkit_engine", ("buildkit",), client=""),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.fixture
def private(way: Way, base: SmallBase, oci_registry_with_login: RunningRegistry, tmp_path: Path) -> Iterator[str]:
    """A base that no engine has: a tag of this test's own, in the registry alone."""
    registry = oci_registry_with_login
    reference = f"{registry.address}/team/{tmp_path.name.replace('_', '-')}:1"
    copy = ["skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", f"{registry.user}:{registry.password}"]
    subprocess.run([*copy, f"oci:{base.layout}", f"docker://{reference}"], capture_output=True, check=True)
    yield reference
    if way.client:
        subprocess.run([way.client, "image", "rm", "--force", reference], capture_output=True, check=True)


@pytest.fixture(
    params=[
        pytest.param(
            way, id=name, marks=[pytest.mark.engine(*way.engines), *([pytest.mark.slow] if way.slow else [])]
        )
        for name, way in WAYS.items()
    ]
)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    request.getfixturevalue(found.fixture)
    return found


def test_a_base_behind_a_login(
    way: Way, private: str, oci_registry_with_login: RunningRegistry, isolated: Path, tmp_path: Path
) -> None:
    step = Write(path="/kit/a", content="on a private base")
    with pytest.raises(BuildFailed) as refused:
        _kit(way, private, tmp_path / "first").build(step)
    assert f"the base image {private} cannot be had: " in refused.value.message
    assert "`cog login`" in (refused.value.hint or "")

    registry = oci_registry_with_login
    assert registry.user
    assert registry.password
    clients = Path(os.environ.get("DOCKER_CONFIG") or isolated / ".docker")
    clients.mkdir(exist_ok=True)
    save_login(clients / "config.json", registry.address, Login(registry.user, registry.password))
    events: list[Event] = []
    built = _kit(way, private, tmp_path / "second").build(step, emit=events.append)

    assert built.read("a") == b"on a private base"
    assert "OF_THE_BASE=1" in built.config["Env"]
    assert registry.password not in repr(events)


def _kit(way: Way, reference: str, folder: Path) -> Kit:
    folder.mkdir(exist_ok=True)
    (info,) = way.hook()
    settings = Settings.from_environ()
    if not way.programs:
        settings = attrs.evolve(settings, environ={**settings.environ, "PATH": str(folder / "no-programs")})
    subject = Subject(info=info, base=ImageBase(reference=reference), settings=settings)
    backend = info.load(subject.settings)
    return Kit(
        subject=subject, backend=backend, probe=backend.probe(), folder=folder, leftovers=frozenset, tag="cog-private"
    )
