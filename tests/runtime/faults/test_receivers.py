"""Receivers of webhooks that are slow, reset, answer 500, or never: nobody but their own webhook waits for them."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.faults import receivers
from tests.runtime.faults.receivers import odd
from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import time
    from typing import Iterator

    class Runner:
        def run(self, upto: int) -> Iterator[int]:
            for number in range(upto):
                yield number
                time.sleep(0.02)
    """
COPY = """
    from cog import Path

    class Runner:
        def run(self, name: str) -> Path:
            with open(name, "w") as file:
                file.write("abc")
            return Path(name)
    """


@pytest.fixture(scope="module")
def model(keep: Servers) -> Iterator[Server]:
    server = keep(SOURCE)
    yield server
    # It would give the last webhooks of receivers that are gone ten seconds.
    server.process.kill()
    server.process.wait()


def ask(server: Server, url: str, upto: int, *events: str) -> Any:
    body = {"input": {"upto": upto}, "webhook": url, "webhook_events_filter": list(events) or None}
    reply = server.request("POST", "/predictions", body)
    assert reply.status == 200, reply
    assert reply.json()["status"] == "succeeded"
    return reply.json()


@pytest.mark.parametrize("behaviour", [receivers.silent, receivers.babbling, receivers.reset, receivers.broken])
def test_predictions_their_slots_and_other_receivers_do_not_wait(
    model: Server, receiver: Receiver, behaviour: Any
) -> None:
    with odd(behaviour) as hook:
        begin = time.monotonic()
        for _ in range(20):
            ask(model, hook.url, 1)
        assert model.health["runtime"]["running"] == 0
        ask(model, receiver.url(), 1)
        assert receiver.wait_for_end()[-1]["output"] == [0]
        assert time.monotonic() - begin < 10


def test_uploads_do_not_wait(serve: Servers, receiver: Receiver, tmp_path: Path) -> None:
    server = serve(COPY, "--upload-url", receiver.url("/bucket"))
    name = str(tmp_path / "a.txt")
    with odd(receivers.silent) as one, odd(receivers.silent) as two, odd(receivers.silent) as three:
        for each in (one, two, three):
            for _ in range(8):
                body = {"input": {"name": name}, "webhook": each.url, "webhook_events_filter": ["completed"]}
                assert server.request("POST", "/predictions", body, timeout=10).status == 200
        assert server.output(name=name) == receiver.url("/bucket/a.txt")
        server.process.kill()


def test_after_a_failure_the_newest_state_comes_next_and_the_end_last(model: Server) -> None:
    with odd(receivers.well, receivers.reset) as hook:
        ask(model, hook.url, 20)
        told = until(lambda: hook.heard and hook.heard[-1]["status"] == "succeeded" and list(hook.heard))
    sizes = [len(each.get("output", [])) for each in told]
    assert sizes == sorted(sizes)
    assert told[-1]["output"] == list(range(20))
    assert [each["status"] for each in told].count("succeeded") == 1


def test_the_last_one_is_repeated_after_resets_and_500(model: Server) -> None:
    with odd(receivers.well, receivers.reset, receivers.broken, receivers.reset) as hook:
        ask(model, hook.url, 1, "completed")
        assert [each["status"] for each in hook.wait_for(4)] == ["succeeded"] * 4
        time.sleep(0.5)
        assert len(hook.heard) == 4


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("behaviour", [receivers.silent, receivers.babbling])
def test_one_that_never_answers_is_asked_again_after_half_a_minute(model: Server, behaviour: Any) -> None:
    with odd(receivers.well, behaviour) as hook:
        begin = time.monotonic()
        ask(model, hook.url, 1, "completed")
        while len(hook.heard) < 2:
            assert time.monotonic() - begin < 60
            time.sleep(0.1)
        assert time.monotonic() - begin > 25


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_one_that_is_slow_is_told_the_newest_state_and_the_end(model: Server) -> None:
    with odd(receivers.after(6)) as hook:
        begin = time.monotonic()
        ask(model, hook.url, 50)
        while not hook.heard or hook.heard[-1]["status"] != "succeeded":
            assert time.monotonic() - begin < 60
            time.sleep(0.1)
        assert len(hook.heard) <= 3


@pytest.mark.slow
def test_the_end_of_the_server_waits_ten_seconds_for_them(serve: Servers) -> None:
    server = serve(SOURCE)
    with odd(receivers.silent) as hook:
        ask(server, hook.url, 1)
        hook.wait_for(1)
        begin = time.monotonic()
        server.tell(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert 8 < time.monotonic() - begin < 18
