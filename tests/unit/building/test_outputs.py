"""Where an image goes, as scripts say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import cog_core
from cog_core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("outputs", [["oci:image"], "oci:image", [None]])
def test_what_is_no_output_is_refused_and_not_left_out(tmp_path: Path, outputs: Any) -> None:
    (tmp_path / "cog.yaml").write_text("image: x\n")

    with pytest.raises(UsageError, match="is no output"):
        cog_core.build(tmp_path, outputs=outputs)
