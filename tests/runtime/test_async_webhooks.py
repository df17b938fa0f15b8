"""``Prefer: respond-async``: the answer comes at once, and the rest by webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Reply, Server, Servers

COUNTING = """
    import time
    from typing import Iterator
    from cog import current_scope

    class Runner:
        def run(self, upto: int) -> Iterator[int]:
            for number in range(upto):
                if number == 7:
                    raise ValueError("seven")
                current_scope().record_metric("last", number)
                print("at", number)
                yield number
                time.sleep(0.03)
    """


@pytest.fixture(scope="module")
def counting(keep: Servers) -> Server:
    return keep(COUNTING)


def ask(server: Server, receiver: Receiver, upto: int, **more: Any) -> Reply:
    headers = more.pop("headers", {})
    body = {"id": "job", "input": {"upto": upto}, "webhook": receiver.url("/hook"), **more}
    return server.request("POST", "/predictions", body, Prefer="respond-async", **headers)


def test_webhooks_tell_the_story_in_order(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING, COG_THROTTLE_RESPONSE_INTERVAL="0")
    reply = ask(server, receiver, 3)
    assert (reply.status, reply.json()) == (202, {"id": "job", "status": "starting"})
    told = receiver.wait_for_end()
    assert told[0]["status"] == "processing"
    assert "output" not in told[0]
    outputs = [each.get("output", []) for each in told]
    assert outputs == sorted(outputs, key=len)
    assert {1, 2, 3} <= set(map(len, outputs))
    assert len({each["logs"] for each in told}) >= 3
    assert told[-1].pop("metrics").keys() == {"last", "predict_time"}
    assert told[-1] == {"id": "job", "logs": "at 0\nat 1\nat 2\n", "output": [0, 1, 2], "status": "succeeded"}
    assert {each.headers["content-type"] for each in receiver.heard} == {"application/json"}


def test_a_filter_chooses_what_is_told(counting: Server, receiver: Receiver) -> None:
    ask(counting, receiver, 2, webhook_events_filter=["completed"])
    assert [each["status"] for each in receiver.wait_for_end()] == ["succeeded"]


def test_failures_are_told_too(counting: Server, receiver: Receiver) -> None:
    ask(counting, receiver, 9, webhook_events_filter=["completed"])
    (end,) = receiver.wait_for_end()
    assert (end["status"], end["error"]) == ("failed", "Prediction failed: ValueError: seven")


def test_the_last_webhook_is_repeated_until_it_is_taken(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING)
    receiver.statuses += [503, 500, 200]
    ask(server, receiver, 1, webhook_events_filter=["completed"])
    assert len(receiver.wait_for(3)) == 3
    server.stop()
    assert len(receiver.heard) == 3


def test_a_receiver_that_refuses_is_left_alone(counting: Server, receiver: Receiver) -> None:
    receiver.statuses += [404]
    ask(counting, receiver, 1, webhook_events_filter=["completed"])
    until(lambda: "Webhook was not delivered" in counting.log)
    assert len(receiver.heard) == 1
    assert counting.output(upto=1) == [0]


def test_webhooks_carry_the_token_and_the_trace(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING, WEBHOOK_AUTH_TOKEN="letmein", COG_USER_AGENT="tester/1")
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b"}
    ask(server, receiver, 1, webhook_events_filter=["completed"], headers=trace)
    receiver.wait_for_end()
    headers = receiver.heard[0].headers
    assert headers["authorization"] == "Bearer letmein"
    assert headers["user-agent"] == "tester/1"
    assert trace.items() <= headers.items()
    assert "letmein" not in server.log


def test_a_webhook_works_for_a_synchronous_request(counting: Server, receiver: Receiver) -> None:
    body = {"input": {"upto": 1}, "webhook": receiver.url(), "webhook_events_filter": ["start", "completed"]}
    assert counting.request("POST", "/predictions", body).json()["output"] == [0]
    assert [each["status"] for each in receiver.wait_for_end()] == ["processing", "succeeded"]
