"""Waits that are spent awake: when, for how long, and that nothing is lost by them."""

from __future__ import annotations

import asyncio
import socket
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from cog_runtime.server.selector import Selector
from cog_runtime.waiting import ShortWaits

if TYPE_CHECKING:
    from collections.abc import Callable

AWAKE = 0.0003
LONG = 0.0021


class Source:
    """Something to wait for, in a time of its own: it counts how often it is looked at, and how long that takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    def nothing(self) -> str | None:
        self.looks += 1
        self.now += AWAKE / 10
        return None

    def something(self) -> str | None:
        self.looks += 1
        return "looked"

    def sleep(self, awake: float) -> str:
        self.sleeps.append(awake)
        return "slept"

    def sleep_long(self, awake: float) -> str:
        self.now += LONG
        return self.sleep(awake)


def wait(waits: ShortWaits, source: Source, times: int, look: Callable[[], str | None]) -> list[str]:
    return [waits.wait(look, source.sleep) for _ in range(times)]


@pytest.mark.parametrize("needed", [1, 2])
def test_it_stays_awake_only_after_short_waits(needed: int) -> None:
    source = Source()
    waits = ShortWaits(needed, source.clock)
    assert wait(waits, source, needed + 3, source.something) == ["slept"] * needed + ["looked"] * 3
    assert source.looks == 3


def test_a_long_wait_puts_it_to_sleep() -> None:
    source = Source()
    waits = ShortWaits(2, source.clock)
    assert wait(waits, source, 1, source.something) == ["slept"]
    waits.wait(source.something, source.sleep_long)
    assert wait(waits, source, 3, source.something) == ["slept", "slept", "looked"]


def test_it_is_awake_for_a_part_of_a_millisecond_at_most() -> None:
    source = Source()
    waits = ShortWaits(1, source.clock)
    wait(waits, source, 2, source.nothing)
    assert source.sleeps[0] == 0
    assert AWAKE <= source.sleeps[1] <= AWAKE * 1.2


def test_what_was_in_vain_is_tried_again_later_and_later() -> None:
    source = Source()
    waits = ShortWaits(1, source.clock)
    tried = []
    for number in range(40):
        before = source.looks
        waits.wait(source.nothing, source.sleep)
        if source.looks > before:
            tried.append(number)
    assert tried == [1, 4, 9, 18, 35]


def test_one_failure_costs_little_when_it_usually_works() -> None:
    source = Source()
    waits = ShortWaits(1, source.clock)
    wait(waits, source, 2, source.nothing)
    assert wait(waits, source, 5, source.something) == ["slept", "slept", "looked", "looked", "looked"]
    assert wait(waits, source, 3, source.nothing) == ["slept"] * 3
    assert wait(waits, source, 1, source.something) == ["looked"]


def test_a_wait_that_ends_at_once_is_looked_at_once() -> None:
    source = Source()
    waits = ShortWaits(1, source.clock)
    wait(waits, source, 1, source.nothing)
    waits.wait(source.nothing, source.sleep, 0.0)
    assert (source.looks, len(source.sleeps)) == (1, 2)


def test_an_event_loop_hears_its_sockets_and_its_timers() -> None:
    """Frames go there and back without a pause, and a timer comes neither early nor never."""

    async def talk() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)

        async def echo() -> None:
            for _ in range(300):
                await loop.sock_sendall(theirs, await loop.sock_recv(theirs, 100))

        answering = asyncio.ensure_future(echo())
        heard = 0
        for number in range(300):
            await loop.sock_sendall(ours, b"%d" % number)
            heard += await loop.sock_recv(ours, 100) == b"%d" % number
        await answering
        begin = perf_counter()
        for _ in range(5):
            await asyncio.sleep(0.002)
        took = perf_counter() - begin
        ours.close()
        theirs.close()
        return heard, took

    loop = asyncio.SelectorEventLoop(Selector())
    try:
        heard, took = loop.run_until_complete(asyncio.wait_for(talk(), 30))
    finally:
        loop.close()
    assert heard == 300
    assert took >= 0.01 - 5 * 0.001  # asyncio ends a timer up to its clock's resolution early
