"""A sandbox stands on the layers of an image, in which the same one may lie more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.sandbox.container import SandboxRequest, start, unavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_a_layer_that_lies_twice_is_laid_once(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    for name in ("scratch", "same", "between"):
        (tmp_path / name).mkdir()
    if reason := unavailable(scratch):
        pytest.skip(reason)
    request = SandboxRequest(
        store=tmp_path, layers=("same", "between", "same"), scratch=scratch, argv=("/nothing",), environment={}
    )

    with start(request, lambda *_: None) as container:
        assert container.wait(10) == 127
