"""What identifies images that an engine calls by their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_backends.docker.identities import Identities

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST, CONFIG = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def test_what_was_noted_is_found_and_others_keep_the_engine_s_id(tmp_path: Path) -> None:
    identities = Identities(tmp_path / "images")

    identities.note(MANIFEST, CONFIG)

    assert identities.of(MANIFEST) == CONFIG
    assert identities.of(CONFIG) == CONFIG


def test_an_engine_that_uses_configurations_needs_no_notes(tmp_path: Path) -> None:
    identities = Identities(tmp_path / "images")

    identities.note(CONFIG, CONFIG)

    assert not (tmp_path / "images").exists()
