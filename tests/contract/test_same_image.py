"""One plan on one base image gives the same files, labels and configuration, whoever builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.buildkit.plugin import cog_backends as buildkit
from cog_backends.docker.plugin import cog_backends as docker
from cog_backends.oci.plugin import cog_backends as oci
from cog_backends.podman.plugin import cog_backends as podman
from cog_core.ir import Copy, Env, ImageBase, ImageConfig, Weights, Workdir, Write
from cog_core.testing.contract import Kit, Subject
from cog_core.testing.contract.copies import ODD_NAMES
from cog_core.testing.contract.writes import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cog_core.backend import BackendInfo
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
_KEYS = ("Cmd", "WorkingDir", "ExposedPorts")
_CONFIG = ImageConfig(cmd=("/bin/echo", "a b"), ports=("5000/tcp",), labels=(("com.example.a", "b\n$c"),))


@pytest.mark.parametrize(
    ("hook", "reference"),
    [
        pytest.param(docker, "{name}", id="docker", marks=pytest.mark.engine("docker")),
        pytest.param(
            podman, "docker.io/library/{name}", id="podman", marks=[pytest.mark.engine("podman"), pytest.mark.slow]
        ),
        pytest.param(
            buildkit, "oci:{layout}", id="buildkit", marks=[pytest.mark.engine("buildkit"), pytest.mark.slow]
        ),
    ],
)
def test_it_makes_the_same_image_as_the_backend_without_an_engine(
    hook: Callable[[], Iterator[BackendInfo]],
    reference: str,
    request: pytest.FixtureRequest,
    small_base: SmallBase,
    tmp_path: Path,
) -> None:
    (info,) = hook()
    (embedded,) = oci()
    request.getfixturevalue(f"{info.name}_engine")
    name = small_base.reference if info.name == "buildkit" else small_base.load(info.name)

    ours = _build(info, reference.format(name=name, layout=small_base.layout), tmp_path / "engine")
    other = _build(embedded, f"oci:{small_base.layout}", tmp_path / "embedded")

    assert _different(ours, other) == set()
    assert ours.image.labels == other.image.labels
    assert ours.environment == other.environment
    assert [ours.config[key] for key in _KEYS] == [other.config[key] for key in _KEYS]


def _different(one: Built, two: Built) -> set[str]:
    first, second = one.facts(), two.facts()
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}


def _build(info: BackendInfo, reference: str, folder: Path) -> Built:
    folder.mkdir()
    subject = Subject(info=info, base=ImageBase(reference=reference))
    backend = info.load(subject.settings)
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
    return kit.build(*_STEPS, config=_CONFIG)
