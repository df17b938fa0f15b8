from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_oci.layout import Layout
from tests.unit.oci_formats.kit import Kit, add_image, archive, file

if TYPE_CHECKING:
    from pathlib import Path

    from cog_oci.layout import Image


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


@pytest.fixture
def image(layout: Layout) -> Image:
    return add_image(layout, [archive(file("a", b"lower")), archive(file("b", b"upper" * 1000))])
