"""One plan on one base image gives the same files and the same labels, whoever builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.docker.plugin import cog_backends as docker
from cog_backends.oci.plugin import cog_backends as oci
from cog_core.ir import Copy, Env, ImageBase, ImageConfig, Weights, Workdir, Write
from cog_core.testing.contract import Kit, Subject
from cog_core.testing.contract.copies import ODD_NAMES
from cog_core.testing.contract.writes import CONTENTS
from cog_core.values import PythonVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.backend import BackendInfo
    from cog_core.testing.contract import Built
    from tests.engines.bases import BaseImage

_PYTHON = PythonVersion.parse("3.11")
_STEPS = (
    Copy(target="/kit/src"),
    Copy(source="bin", target="/kit/programs", independent=True),
    *(Write(path=f"/kit/written/{name}", content=text) for name, text in CONTENTS.items()),
    Write(path="/kit/program", content="#!/bin/sh\n", mode=0o755),
    Env(variables=(("A", "$HOME"), ("B", "it's"))),
    Weights(target="/kit/src", paths=("model.bin",)),
    Workdir(path="/kit/work/deeper"),
)
_KEYS = ("Cmd", "WorkingDir", "ExposedPorts")
_CONFIG = ImageConfig(cmd=("/bin/echo", "a b"), ports=("5000/tcp",), labels=(("com.example.a", "b\n$c"),))


@pytest.mark.slow
@pytest.mark.engine("docker")
def test_docker_and_oci_give_the_same_image(
    docker_engine: object,
    python_base: Callable[[str], BaseImage],
    tmp_path: Path,
) -> None:
    image = python_base("3.11")
    bases = {docker: image.reference, oci: f"oci:{image.layout}"}

    first, second = (
        _build(next(iter(hook())), ImageBase(reference=base, python=_PYTHON), tmp_path / str(number))
        for number, (hook, base) in enumerate(bases.items())
    )

    assert first.facts() == second.facts()
    assert first.image.labels == second.image.labels
    assert first.environment == second.environment
    assert [first.config[key] for key in _KEYS] == [second.config[key] for key in _KEYS]


def _build(info: BackendInfo, base: ImageBase, folder: Path) -> Built:
    folder.mkdir()
    subject = Subject(info=info, base=base)
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
