"""Caches are refused before the build where Docker's own builder cannot write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from cog_backends.docker.caches import check_exports
from cog_backends.docker.client import Engine
from cog_backends.docker.rungs import Rung, RungKind
from cog_core import process
from cog_core.caches import Cache
from cog_core.errors import UnsupportedPlan
from cog_core.ir.dockerfile import EARLY_BUILDKIT
from cog_core.settings import Settings
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path

OVERLAY = [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]]
CONTAINERD = [["driver-type", "io.containerd.snapshotter.v1"]]
REGISTRY = "type=registry,ref=registry.example.com/cache,mode=max"


@attrs.frozen
class Api:
    """An engine that says how its images are kept."""

    status: list[list[str]] | None

    def info(self) -> dict[str, Any]:
        return {"DriverStatus": self.status}


def check(
    folder: Path, *caches: str, status: list[list[str]] | None = OVERLAY, driver: str = "", builder: str = ""
) -> None:
    """Check with a buildx that knows one builder, of some driver."""
    program = folder / "docker"
    program.write_text(
        f'#!/bin/sh\n[ "$*" = "buildx inspect mine" ] && printf "Name:   mine\\nDriver: {driver}\\n"\n'
    )
    program.chmod(0o755)
    settings = Settings.from_environ({"HOME": str(folder), **({"BUILDX_BUILDER": builder} if builder else {})})
    engine = Engine(api=Api(status), host="unix:///x.sock", version="20.10.24", platform=Platform())
    rung = Rung(kind=RungKind.BUILDX, dialect=EARLY_BUILDKIT, program=str(program))
    check_exports(map(Cache.parse, caches), engine, rung, settings, process.run)


@pytest.mark.parametrize("cache", [REGISTRY, "type=local,dest=/c", "type=s3,bucket=b,region=r", "type=gha"])
@pytest.mark.parametrize("status", [OVERLAY, [], None])
def test_the_engine_s_own_builder_writes_none_without_containerd_s_store(
    tmp_path: Path, cache: str, status: list[list[str]] | None
) -> None:
    kind = Cache.parse(cache).kind

    with pytest.raises(UnsupportedPlan, match=f"Docker 20.10.24 writes no cache of type={kind} without") as caught:
        check(tmp_path, "type=inline", cache, status=status)

    assert caught.value.hint
    assert "BUILDX_BUILDER" in caught.value.hint


def test_with_containerd_s_store_it_writes_all(tmp_path: Path) -> None:
    check(tmp_path, REGISTRY, "type=gha", status=CONTAINERD)


def test_a_cache_inside_the_image_is_written_by_all(tmp_path: Path) -> None:
    check(tmp_path, "type=inline")
    check(tmp_path)


def test_a_builder_of_another_driver_writes_all(tmp_path: Path) -> None:
    check(tmp_path, REGISTRY, driver="docker-container", builder="mine")
    with pytest.raises(UnsupportedPlan):
        check(tmp_path, REGISTRY, driver="docker", builder="mine")


def test_a_builder_that_buildx_does_not_know_is_left_to_buildx(tmp_path: Path) -> None:
    check(tmp_path, REGISTRY, driver="docker", builder="unknown")
