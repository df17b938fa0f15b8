"""When webhooks are made, made again, and in which order they arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.receiver import Receiver
from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.serving import Server, Servers

PRINTING = """
    import time
    from typing import Iterator

    class Runner:
        def run(self, count: int, every: int) -> Iterator[int]:
            for n in range(count):
                print("at", n)
                time.sleep(0.1)
                if n % every == every - 1:
                    yield n
    """


@pytest.fixture(scope="module")
def printing(keep: Servers) -> Server:
    return keep(PRINTING)


class Unsteady(Receiver):
    """Takes its time, and the longer the earlier a call comes.

    Attributes:
        asked: Calls that were being answered at the same time, at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self._now = 0
        self._delays = iter((0.5, 0.3, 0.2, 0.1))

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._now += 1
        self.asked = max(self.asked, self._now)
        time.sleep(next(self._delays, 0))
        # The next call may come as soon as this one has its answer.
        self._now -= 1
        super().finish_request(request, client_address)


@pytest.fixture
def unsteady() -> Iterator[Unsteady]:
    receiver = Unsteady()
    yield receiver
    receiver.end()


def begin(server: Server, receiver: Receiver, *, count: int, every: int, events: list[str]) -> None:
    body = {"input": {"count": count, "every": every}, "webhook": receiver.url(), "webhook_events_filter": events}
    assert server.request("POST", "/predictions", body, Prefer="respond-async").status == 202


def lines(body: dict[str, str]) -> int:
    return len(body["logs"].splitlines())


def test_logs_are_told_now_and_then(printing: Server, receiver: Receiver) -> None:
    begin(printing, receiver, count=14, every=100, events=["start", "logs", "completed"])
    told = receiver.wait_for_end()
    assert [each["status"] for each in told] == ["processing"] * (len(told) - 1) + ["succeeded"]
    assert lines(told[0]) == 0
    # 1.4 seconds of prints, of which half a second is told each time; how late depends on the machine.
    assert 1 <= len(told) - 2 <= 3
    assert min(b - a for a, b in zip(map(lines, told), map(lines, told[1:-1]), strict=False)) >= 3
    assert lines(told[-1]) == 14


def test_a_call_about_an_output_has_told_the_logs_too(printing: Server, receiver: Receiver) -> None:
    begin(printing, receiver, count=9, every=2, events=["start", "output", "logs", "completed"])
    told = receiver.wait_for_end()
    assert [len(each.get("output", [])) for each in told] == [0, 1, 2, 3, 4, 4]


def test_outputs_are_never_held_back(printing: Server, receiver: Receiver) -> None:
    begin(printing, receiver, count=5, every=1, events=["output", "completed"])
    assert [len(each["output"]) for each in receiver.wait_for_end()] == [1, 2, 3, 4, 5, 5]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_the_last_call_is_made_again_for_these_answers(printing: Server, receiver: Receiver, status: int) -> None:
    receiver.statuses += [status, status]
    asked = time.monotonic()
    begin(printing, receiver, count=0, every=1, events=["completed"])
    first, *more = receiver.wait_for(3)
    assert [each.body for each in more] == [first.body] * 2
    assert time.monotonic() - asked >= 0.1 + 0.2


@pytest.mark.parametrize("status", [400, 401, 404, 410, 501])
def test_other_refusals_are_final(printing: Server, receiver: Receiver, status: int) -> None:
    receiver.statuses += [status]
    before = printing.log.count(f"gave up: HTTP status {status}")
    begin(printing, receiver, count=0, every=1, events=["completed"])
    until(lambda: printing.log.count(f"gave up: HTTP status {status}") > before)
    time.sleep(0.3)
    assert len(receiver.heard) == 1


def test_calls_before_the_last_are_made_once(printing: Server, receiver: Receiver) -> None:
    receiver.statuses += [500]
    begin(printing, receiver, count=1, every=1, events=["start", "completed"])
    assert [each["status"] for each in receiver.wait_for_end()] == ["processing", "succeeded"]


def test_a_receiver_that_is_out_of_reach_is_asked_again(serve: Servers, receiver: Receiver) -> None:
    away = receiver.url()
    receiver.end()
    server = serve(PRINTING)
    body = {"input": {"count": 0, "every": 1}, "webhook": away, "webhook_events_filter": ["completed"]}
    assert server.request("POST", "/predictions", body).json()["status"] == "succeeded"
    until(lambda: '"attempt":3' in server.log, server)
    # It would wait for its webhooks.
    server.process.kill()


def test_a_call_waits_for_the_one_before(printing: Server, unsteady: Unsteady) -> None:
    begin(printing, unsteady, count=6, every=1, events=["start", "output", "completed"])
    told = unsteady.wait_for_end()
    assert [len(each.get("output", [])) for each in told] == [0, 1, 2, 3, 4, 5, 6, 6]
    assert [each["status"] for each in told] == ["processing"] * 7 + ["succeeded"]
    assert unsteady.asked == 1
