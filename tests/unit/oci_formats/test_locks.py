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
    file, order = tmp_path / "lock", list[str]()

    def come_later() -> None:
        with shared(file):
            order.append("later")

    with shared(file) as alone:
        assert alone()
        thread = threading.Thread(target=come_later)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)

    assert order == ["first", "later"]


def test_a_lock_that_one_holds_alone_keeps_sharers_out(tmp_path: Path) -> None:
    file, order = tmp_path / "lock", list[str]()

    def come_later() -> None:
        with shared(file):
            order.append("later")

    with locked(file):
        thread = threading.Thread(target=come_later)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)

    assert order == ["first", "later"]
