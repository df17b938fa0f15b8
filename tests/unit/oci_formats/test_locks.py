"""Locks between processes: held alone, or together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cog_oci.locks import locked, shared

if TYPE_CHECKING:
    from pathlib import Path


def test_of_those_who_share_a_lock_the_last_one_learns_that_it_is_alone(tmp_path: Path) -> None:
    file = tmp_path / "lock"

    with shared(file) as one, shared(file) as other, shared(file) as last:
        assert [one(), other(), last()] == [False, False, True]


def test_once_alone_a_holder_stays_alone_until_the_end(tmp_path: Path) -> None:
    with shared(tmp_path / "lock") as alone:
        assert alone()
        comes_later(tmp_path / "lock")


def test_a_lock_that_one_holds_alone_keeps_sharers_out(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        comes_later(tmp_path / "lock")


def comes_later(file: Path) -> None:
    """Ask for a share while the lock is held: it is not given."""
    got = threading.Event()

    def come() -> None:
        with shared(file):
            got.set()

    threading.Thread(target=come, daemon=True).start()
    assert not got.wait(0.3)
