"""Base images: what is here is looked at before a registry is blamed."""

from __future__ import annotations

import pytest

from cog_core import process
from cog_core.base_images import fetch_base
from cog_core.errors import UnsupportedPlan
from cog_core.settings import Settings
from cog_core.values import Platform
from cog_oci import canonical
from cog_oci.entries import Entry, Kind
from cog_oci.images import write_image, write_layer
from cog_oci.layout import Layout
from cog_oci.reference import Reference

NAME = "127.0.0.1:1/base:1"
"""Nobody listens there."""


@pytest.fixture
def layout(tmp_path):
    """Give a layout with an image for another kind of machine."""
    found = Layout.create(tmp_path / "layout")
    layer = write_layer(found, [Entry(path="etc", kind=Kind.FOLDER, mode=0o755)])
    rootfs = {"type": "layers", "diff_ids": [str(layer.digest)]}
    config = {"architecture": "riscv64", "os": "linux", "config": {}, "rootfs": rootfs}
    write_image(found, canonical.dump(config), [layer], name=str(Reference.parse(NAME)))
    return found


def _fetch(layout, tmp_path, architecture):
    return fetch_base(
        NAME,
        Platform("linux", architecture),
        layout,
        settings=Settings.from_environ({"HOME": str(tmp_path)}),
        run=process.run,
        progress=lambda *_: None,
    )


def test_an_image_that_is_here_is_taken(layout, tmp_path):
    assert _fetch(layout, tmp_path, "riscv64").config["architecture"] == "riscv64"


def test_one_for_another_platform_is_named_before_the_registry_that_does_not_answer(layout, tmp_path):
    with pytest.raises(UnsupportedPlan) as caught:
        _fetch(layout, tmp_path, "amd64")

    fact = f"the base image {NAME} is for linux/riscv64, and the build is for linux/amd64; no other can be fetched: "
    assert caught.value.message.startswith(fact)
    assert "--platform" in (caught.value.hint or "")
