"""Which GPUs a container gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.docker.client import gpu_request
from cog_backends.oci.gpus import gpu_nodes
from cog_core.errors import BackendError, UsageError
from cog_core.gpus import Gpus

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = ("nvidia-uvm", "nvidiactl")


@pytest.mark.parametrize(
    ("text", "gpus"),
    [
        ("all", Gpus()),
        ("count=all", Gpus()),
        ("auto", Gpus(if_any=True)),
        ("2", Gpus(count=2)),
        ("count=2", Gpus(count=2)),
        ("device=0", Gpus(devices=("0",))),
        ('"device=0,2"', Gpus(devices=("0", "2"))),
        (
            "device=GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a",
            Gpus(devices=("GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a",)),
        ),
    ],
)
def test_what_docker_takes_is_read(text: str, gpus: Gpus) -> None:
    assert Gpus.parse(text) == gpus


@pytest.mark.parametrize(
    "text", ["", "some", "-1", "device=", "device=0,", "count=", "capabilities=video", "device=0 1"]
)
def test_anything_else_is_a_mistake_that_says_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match="invalid --gpus") as caught:
        Gpus.parse(text)

    assert caught.value.hint == "Write all, a number, or device=0,1."


@pytest.mark.parametrize(
    ("asked", "count", "ids"),
    [("all", -1, None), ("auto", -1, None), ("2", 2, None), ("device=0,1", None, ["0", "1"])],
)
def test_docker_is_asked_in_its_own_words(asked: str, count: int | None, ids: list[str] | None) -> None:
    request = gpu_request(asked)

    assert (request.count or None, request.device_ids or None) == (count, ids)


@pytest.mark.parametrize(
    ("asked", "nodes"),
    [
        ("all", ("nvidia0", "nvidia1", "nvidia10", *DRIVER)),
        ("auto", ("nvidia0", "nvidia1", "nvidia10", *DRIVER)),
        ("2", ("nvidia0", "nvidia1", *DRIVER)),
        ("device=10", ("nvidia10", *DRIVER)),
        ("0", ()),
    ],
)
def test_a_sandbox_sees_the_gpus_that_are_asked_for_and_the_driver(tmp_path: Path, asked: str, nodes: object) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia10", *DRIVER, "null"):
        (tmp_path / name).touch()
    (tmp_path / "nvidia-caps").mkdir()

    assert gpu_nodes(asked, tmp_path) == nodes


@pytest.mark.parametrize("asked", ["all", "1", "device=0"])
def test_gpus_that_are_not_there_are_an_error(tmp_path: Path, asked: str) -> None:
    with pytest.raises(BackendError, match="this machine has none"):
        gpu_nodes(asked, tmp_path)

    assert gpu_nodes("auto", tmp_path) == ()


def test_an_error_names_the_gpus_that_are_missing_and_those_that_are_there(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / name).touch()

    with pytest.raises(BackendError, match="there is no GPU 2, 3: those here are 0, 1"):
        gpu_nodes("4", tmp_path)
