"""One plan on one base image gives the same files, labels and configuration, whoever builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from cog_backends.buildkit.plugin import cog_backends as buildkit
from cog_backends.docker.plugin import cog_backends as docker
from cog_backends.oci.plugin import cog_backends as oci
from cog_backends.podman.plugin import cog_backends as podman
from cog_core.ir import Copy, Env, ImageBase, ImageConfig, Run, User, Weights, Workdir, Write
from cog_core.settings import Settings
from cog_core.testing.contract import Kit, Subject
from cog_core.testing.contract.copies import ODD_NAMES
from cog_core.testing.contract.writes import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _pytest.mark import ParameterSet

    from cog_core.backend import BackendInfo
    from cog_core.ir import Step
    from cog_core.testing.contract import Built
    from tests.contract.small_base import SmallBase

_STEPS = (
    Copy(target="/kit/src"),
    Copy(source="bin", target="/kit/programs", independent=True),
    *(Write(path=f"/kit/written/{name}", content=text) for name, text in CONTENTS.items()),
    Write(path="/kit/program", content="#!/bin/sh\n", mode=0o755),
    Write(path="/kit/what?", content="odd"),
    Copy(source="odd/star*", target="/kit/star*"),
    Env(variables=(("A", "$HOME"), ("B", "it's"))),
    Weights(target="/kit/src", paths=("model.bin",)),
    Workdir(path="/kit/work/deeper"),
    Workdir(path="/tmp"),
)
_RUNNING = (
    Copy(target="/kit/src"),
    Env(variables=(("A", "$HOME"),)),
    Workdir(path="/kit/work"),
    Run(script="id > root; umask > umask; mkdir -m 1777 shared; rm /kit/src/link; chmod 600 /kit/src/bin/program"),
    Run(script="for word in \"$A\" 'it'\\''s'; do\n    echo \"$word\" >> words\ndone\n"),
    User(name="65534:65534"),
    Run(script='id > shared/user; echo $HOME > shared/home; echo "$PATH" > shared/path; mkdir shared/folder'),
    Write(path="/kit/work/after", content="root's\n"),
)
# What engines put into a container before a command runs; on a base without them some leave the empty places behind.
_MOUNT_POINTS = frozenset({"dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf"})
_KEYS = ("Cmd", "WorkingDir", "ExposedPorts")
_CONFIG = ImageConfig(cmd=("/bin/echo", "a b"), ports=("5000/tcp",), labels=(("com.example.a", "b\n$c"),))


@attrs.frozen
class Way:
    """One way to an image.

    Attributes:
        hook: The backend's.
        fixtures: What has to be there, in this order.
        base: The base's name; ``{name}`` is that in the engine's store, ``{layout}`` the folder.
        client: Which client loads the base; None: nobody does.
        bare: Whether no client is on ``PATH``: Docker's classic builder is left.
    """

    hook: Callable[[], Iterator[BackendInfo]]
    fixtures: tuple[str, ...]
    base: str = "{name}"
    client: str | None = "docker"
    bare: bool = False

    def build(self, request: pytest.FixtureRequest, image: SmallBase, folder: Path, *steps: Step) -> Built:
        """Build a plan of these steps, in a folder that is made for it."""
        for fixture in self.fixtures:
            request.getfixturevalue(fixture)
        name = image.load(self.client) if self.client else image.reference
        settings = Settings.from_environ()
        if self.bare:
            settings = attrs.evolve(settings, environ={**settings.environ, "PATH": str(folder / "no-programs")})
        base = ImageBase(reference=self.base.format(name=name, layout=image.layout))
        (info,) = self.hook()
        return _build(Subject(info=info, base=base, settings=settings), folder, *steps)


_OCI = Way(oci, (), "oci:{layout}", None)
_DOCKER = Way(docker, ("docker_engine",))
_CLASSIC = Way(docker, ("docker_engine",), bare=True)
_BUILDX = Way(docker, ("docker_engine", "docker_config_buildx"))
_CONTAINERD = Way(docker, ("docker_containerd_engine",))
_PODMAN = Way(podman, ("podman_engine",), "docker.io/library/{name}", "podman")
_PODMAN_NEWEST = attrs.evolve(_PODMAN, fixtures=("podman_newest_engine",))
_PODMAN_MACHINE = attrs.evolve(_PODMAN, fixtures=("podman_machine_engine",))
_OLD_PODMAN_MACHINE = attrs.evolve(_PODMAN, fixtures=("podman_machine_old_engine",))
_BUILDKIT = Way(buildkit, ("buildkit_engine",), "oci:{layout}", None)


def _way(way: Way, name: str, *engines: str, slow: bool = True) -> ParameterSet:
    marks = [pytest.mark.engine(*(engines or (name,))), *([pytest.mark.slow] if slow else [])]
    return pytest.param(way, id=name, marks=marks)


_OTHERS = [
    _way(_CLASSIC, "docker-classic", "docker"),
    _way(_BUILDX, "docker-buildx", "docker", "buildx"),
    _way(_CONTAINERD, "docker-containerd"),
    _way(_PODMAN, "podman"),
    _way(_PODMAN_NEWEST, "podman-newest"),
    _way(_PODMAN_MACHINE, "podman-machine"),
    _way(_OLD_PODMAN_MACHINE, "podman-machine-old"),
    _way(_BUILDKIT, "buildkit"),
]


@pytest.mark.parametrize("way", [_way(_DOCKER, "docker", slow=False), *_OTHERS])
def test_it_makes_the_same_image_as_the_backend_without_an_engine(
    way: Way, request: pytest.FixtureRequest, small_base: SmallBase, tmp_path: Path
) -> None:
    ours = way.build(request, small_base, tmp_path / "engine", *_STEPS)
    other = _OCI.build(request, small_base, tmp_path / "embedded", *_STEPS)

    assert _different(ours, other) == set()
    _assert_the_same_configuration(ours, other)


@pytest.mark.engine("docker")
@pytest.mark.parametrize("way", _OTHERS)
def test_commands_and_users_make_the_same_image_with_every_engine(
    way: Way, request: pytest.FixtureRequest, small_base: SmallBase, tmp_path: Path
) -> None:
    one = _DOCKER.build(request, small_base, tmp_path / "docker", *_RUNNING)
    other = way.build(request, small_base, tmp_path / "other", *_RUNNING)

    assert one.contents().keys() > {"work/root", "work/words", "work/shared/user", "work/after"}
    assert _different(one, other) <= _MOUNT_POINTS
    assert not any(
        built.tree.nodes[path].size for built in (one, other) for path in _MOUNT_POINTS & built.tree.nodes.keys()
    )
    _assert_the_same_configuration(one, other)
    assert one.config["User"] == other.config["User"]


def _assert_the_same_configuration(one: Built, two: Built) -> None:
    assert one.image.labels == two.image.labels
    assert one.environment == two.environment
    assert [one.config[key] for key in _KEYS] == [two.config[key] for key in _KEYS]


def _different(one: Built, two: Built) -> set[str]:
    first, second = one.facts(), two.facts()
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}


def _build(subject: Subject, folder: Path, *steps: Step) -> Built:
    folder.mkdir()
    backend = subject.info.load(subject.settings)
    kit = Kit(
        subject=subject,
        backend=backend,
        probe=backend.probe(),
        folder=folder,
        leftovers=frozenset,
        tag="cog-contract-same",
    )
    for name in ODD_NAMES:
        kit.put(f"odd/{name}", name)
    kit.put("bin/program", "#!/bin/sh\n", mode=0o755)
    (kit.project / "empty").mkdir()
    (kit.project / "link").symlink_to("bin/program")
    (kit.weights / "model.bin").write_bytes(bytes(100_000))
    return kit.build(*steps, config=_CONFIG)
