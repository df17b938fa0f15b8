"""`--pull` takes the newest base of its name, and `--cache-from` what another builder left in a registry."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.buildkit.plugin import cog_backends as buildkit
from cog_backends.docker.plugin import cog_backends as docker
from cog_backends.podman.plugin import cog_backends as podman
from cog_core.backend import ToRegistry
from cog_core.caches import Cache
from cog_core.errors import UnsupportedPlan
from cog_core.ir import ImageBase, Run, Write
from cog_core.testing.contract import Kit, Subject
from tests.contract.small_base import SmallBase, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_core.backend import BackendInfo
    from tests.engines.registry import RunningRegistry

pytestmark = [pytest.mark.slow, pytest.mark.engine("registry")]

_RANDOM = Run(script="mkdir -p /kit; cat /proc/sys/kernel/random/uuid > /kit/id")
_ENGINES = {
    "docker": (docker, "docker_engine", "docker", "{name}"),
    "docker-containerd": (docker, "docker_containerd_engine", "docker", "{name}"),
    "podman": (podman, "podman_engine", "podman", "docker.io/library/{name}"),
    "buildkit": (buildkit, "buildkit_engine", "", "oci:{layout}"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.engine(name)) for name in _ENGINES])
def kit(request: pytest.FixtureRequest, base: SmallBase, tmp_path: Path) -> Kit:
    hook, engine, client, reference = _ENGINES[request.param]
    request.getfixturevalue(engine)
    name = base.load(client) if client else base.reference
    return _kit(hook, reference.format(name=name, layout=base.layout), tmp_path)


def test_pull_takes_the_newest_base_of_its_name(kit: Kit, oci_registry: RunningRegistry) -> None:
    reference = f"{oci_registry.address}/team/base:v1"
    on_it = attrs.evolve(kit.plan(Write(path="/kit/a", content="a")))
    on_it = attrs.evolve(on_it, stage=attrs.evolve(on_it.stage, base=ImageBase(reference=reference)))

    kit.build(Write(path="/kit/version", content="old"), outputs=(ToRegistry(reference),))
    assert kit.build_plan(on_it).read("version") == b"old"
    kit.build(Write(path="/kit/version", content="new"), outputs=(ToRegistry(reference),))

    assert kit.build_plan(on_it, pull=True).read("version") == b"new"


@pytest.mark.engine("docker-containerd")
def test_a_cache_in_a_registry_serves_an_emptied_builder(
    docker_containerd_engine: object, base: SmallBase, oci_registry: RunningRegistry, tmp_path: Path
) -> None:
    kit = _kit(docker, base.load("docker"), tmp_path)
    name = f"{oci_registry.address}/team/cache:x"

    first = kit.build(_RANDOM, cache_to=(Cache.parse(f"type=registry,ref={name},mode=max"),))
    subprocess.run(["docker", "buildx", "prune", "--all", "--force"], capture_output=True, check=True)
    second = kit.build(_RANDOM, cache_from=(Cache.parse(name),))

    assert first.read("id") == second.read("id")


@pytest.mark.engine("docker", "buildx")
def test_docker_s_own_builder_refuses_to_write_a_cache_before_anything_is_sent(
    docker_engine: object, docker_config_buildx: Path, base: SmallBase, tmp_path: Path
) -> None:
    kit = _kit(docker, base.load("docker"), tmp_path)
    events: list[object] = []

    with pytest.raises(UnsupportedPlan, match="writes no cache of type=registry without") as caught:
        kit.build(_RANDOM, cache_to=(Cache.parse("type=registry,ref=registry.invalid/cache"),), emit=events.append)

    assert "--cache-to type=inline" in (caught.value.hint or "")
    assert events == []


@pytest.mark.engine("podman")
def test_podman_refuses_a_cache_in_a_folder(podman_engine: object, base: SmallBase, tmp_path: Path) -> None:
    kit = _kit(podman, f"docker.io/library/{base.load('podman')}", tmp_path)

    with pytest.raises(UnsupportedPlan, match="podman shares caches by registries"):
        kit.build(_RANDOM, cache_to=(Cache.parse("type=local,dest=/tmp/x"),))


def _kit(hook: Callable[[], Iterator[BackendInfo]], reference: str, folder: Path) -> Kit:
    (info,) = hook()
    subject = Subject(info=info, base=ImageBase(reference=reference))
    backend = info.load(subject.settings)
    return Kit(
        subject=subject, backend=backend, probe=backend.probe(), folder=folder, leftovers=frozenset, tag="cog-pull"
    )
