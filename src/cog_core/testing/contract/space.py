"""Checks of what happens when a disk is full."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from cog_core.backend import ToDockerArchive
from cog_core.errors import BackendError
from cog_core.ir import Copy, Write
from cog_core.testing.contract.endings import holds_images

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.testing.contract.kit import Kit

_LARGE = 1 << 24
"""Bytes; they are random, or an engine would compress them to nothing."""
_CONTENT = random.Random(0).randbytes(_LARGE)  # noqa: S311 - nothing secret, only hard to compress


class SpaceChecks:
    """A full disk is told as what it is, and what was begun is gone."""

    def test_a_full_disk_is_told_when_a_layout_is_written(self, kit: Kit, small_disk: Path) -> None:
        """The error names the reason, the layout holds no image, and another disk does."""
        kit.put("large", _CONTENT)
        layout, before = small_disk / "layout", kit.leftovers()

        with pytest.raises(BackendError) as caught:
            kit.build(Copy(target="/kit/src"), layout=layout)

        assert "no space left" in caught.value.message
        assert caught.value.hint
        assert not holds_images(layout)
        assert kit.left_since(before) == set()
        assert kit.build(Copy(target="/kit/src")).contents("src") == {"large": _CONTENT}

    def test_a_full_disk_is_told_when_an_archive_is_written(self, kit: Kit, small_disk: Path) -> None:
        """The half-written file is gone."""
        kit.put("large", _CONTENT)
        archive = small_disk / "image.tar"

        with pytest.raises(BackendError) as caught:
            kit.build(Copy(target="/kit/src"), Write(path="/kit/a", content="a"), outputs=(ToDockerArchive(archive),))

        assert "no space left" in caught.value.message
        assert list(small_disk.iterdir()) == []
