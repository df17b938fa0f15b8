"""What is laid out before a build, and what is made of the way it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.buildkit.address import Server
from cog_backends.buildkit.bases import NAME, with_local_base
from cog_backends.buildkit.build import check_labels, with_epoch
from cog_backends.buildkit.failures import failed
from cog_backends.buildkit.landing import prepare
from cog_core.errors import (
    BackendError,
    BackendUnavailable,
    BuildFailed,
    ImageNotFound,
    RegistryError,
    UnsupportedPlan,
)
from cog_core.ir import BuildPlan, ImageBase, ImageConfig, Run, Stage
from cog_core.ir.dockerfile import MODERN, render
from cog_core.values import Platform
from cog_oci import canonical
from cog_oci.docker_archive import write_archive
from cog_oci.entries import Entry
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Image, Layout
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

SERVER = Server("tcp://b:1")


def plan(reference: str, *labels: tuple[str, str]) -> BuildPlan:
    stage = Stage(base=ImageBase(reference=reference), steps=(Run(script="true"),))
    return BuildPlan(stage=stage, config=ImageConfig(labels=labels), platform=Platform())


def image(folder: Path, name: str) -> Image:
    layout = Layout.create(folder)
    layer = write_layer(layout, [Entry(path="a")])
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest)]},
    }
    return write_image(layout, canonical.dump(config), [layer], name=name)


def test_a_base_of_a_registry_stays_as_it_is(tmp_path):
    wanted = plan("python:3.12-slim")

    assert with_local_base(wanted, tmp_path) == (wanted, {})


@pytest.mark.parametrize("form", ["oci:{0}/layout", "oci:{0}/layout:one", "docker-archive:{0}/image.tar"])
def test_a_base_that_lies_here_becomes_a_layout_with_its_digest(tmp_path, form):
    made = image(tmp_path / "layout", "one")
    with (tmp_path / "image.tar").open("wb") as file:
        write_archive(Layout.open(tmp_path / "layout"), made, file, names=[Reference.parse("one")])
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    changed, layouts = with_local_base(plan(form.format(tmp_path)), workspace)

    assert render(changed, MODERN).instructions[0].text == f"FROM {NAME}"
    assert layouts[NAME].folder.is_relative_to(workspace)
    assert (layouts[NAME].folder / "blobs" / "sha256" / layouts[NAME].digest.removeprefix("sha256:")).is_file()


def test_a_base_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImageNotFound, match="nowhere"):
        with_local_base(plan(f"oci:{tmp_path}/nowhere"), tmp_path)
    with pytest.raises(BackendError, match=r"nothing\.tar"):
        with_local_base(plan(f"docker-archive:{tmp_path}/nothing.tar"), tmp_path)


def test_commands_see_the_time_of_the_image():
    dockerfile = with_epoch(render(plan("base"), MODERN))

    assert [one.text for one in dockerfile.instructions] == ["FROM base", "ARG SOURCE_DATE_EPOCH", "RUN true"]


def test_a_label_that_no_argument_holds_is_refused():
    check_labels(render(plan("base", ("a", "b\nc" * 1000)), MODERN))

    with pytest.raises(UnsupportedPlan, match="the label long"):
        check_labels(render(plan("base", ("long", "é\n" * 70_000)), MODERN))


def test_known_blobs_are_there_before_the_image_comes(tmp_path):
    made = image(tmp_path / "layout", "one")

    landed = prepare(tmp_path / "landing", (tmp_path / "missing", tmp_path / "layout", tmp_path / "layout"))

    blob = landed / "blobs" / "sha256" / made.descriptor.digest.removeprefix("sha256:")
    assert blob.stat().st_nlink == 2


def test_a_push_that_fails_is_an_error_of_the_registry():
    said = "error: failed to solve: failed to push r/m:1: server message: insufficient_scope: authorization failed\n"

    error = failed(said, BuildFailed("'exporting to image' failed: failed to push r/m:1: no"), SERVER)

    assert isinstance(error, RegistryError)
    assert "insufficient_scope" in error.message
    assert "cog login" in (error.hint or "")


def test_a_server_that_goes_away_is_not_a_failing_step():
    said = "error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF\n"

    error = failed(said, None, SERVER)

    assert isinstance(error, BackendUnavailable)
    assert "tcp://b:1 went away" in error.message


def test_a_failing_step_stays_what_it_is_and_a_full_disk_gets_advice():
    step = BuildFailed("'RUN x' ended with exit status 3", exit_status=3)
    full = BuildFailed("'COPY . /src' failed: write /x: no space left on device")

    assert failed("error: failed to solve: x", step, SERVER) is step
    assert "buildctl prune" in (failed("error: x", full, SERVER).hint or "")


def test_anything_else_is_told_as_buildctl_says_it():
    error = failed("error: failed to solve: the sky fell\n", None, SERVER)

    assert (type(error), error.message) == (BackendError, "buildctl failed: the sky fell")
