"""``Prefer: respond-async``: the answer comes at once, and the rest by webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.receiver import Receiver
from tests.runtime.serving import until

if TYPE_CHECKING:
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


ANYWHERE = {"webhook_events_filter": ["completed"]}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_call_that_is_redirected_is_made_there(serve: Servers, receiver: Receiver, status: int) -> None:
    server = serve(COUNTING, WEBHOOK_AUTH_TOKEN="letmein")
    receiver.statuses += [status]
    receiver.answers["Location"] = "/final"
    ask(server, receiver, 1, **ANYWHERE)
    first, second = receiver.wait_for(2)
    assert [(each.method, each.path) for each in (first, second)] == [("POST", "/hook"), ("POST", "/final")]
    assert second.json()["status"] == "succeeded"
    assert second.headers["content-type"] == "application/json"
    assert second.headers["authorization"] == "Bearer letmein"
    server.stop()
    assert len(receiver.heard) == 2
    assert "not delivered" not in server.log


def test_another_host_that_a_call_is_redirected_to_does_not_get_the_token(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING, WEBHOOK_AUTH_TOKEN="letmein")
    other = Receiver()
    receiver.statuses += [307]
    receiver.answers["Location"] = other.url("/there")
    ask(server, receiver, 1, **ANYWHERE)
    (heard,) = other.wait_for(1)
    other.end()
    assert heard.json()["status"] == "succeeded"
    assert "authorization" not in heard.headers
    assert receiver.heard[0].headers["authorization"] == "Bearer letmein"


def test_a_receiver_that_points_to_something_to_read_has_taken_the_call(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING)
    receiver.statuses += [303]
    receiver.answers["Location"] = "/read"
    receiver.files["/read"] = b"thanks"
    ask(server, receiver, 1, **ANYWHERE)
    receiver.wait_for(2)
    server.stop()
    assert [(each.method, each.path, bool(each.body)) for each in receiver.heard] == [
        ("POST", "/hook", True),
        ("GET", "/read", False),
    ]
    assert "not delivered" not in server.log


def test_a_circle_of_redirects_is_left_and_tried_again(serve: Servers, receiver: Receiver) -> None:
    server = serve(COUNTING)
    receiver.statuses += [307] * 11
    receiver.answers["Location"] = "/hook"
    ask(server, receiver, 1, **ANYWHERE)
    receiver.wait_for(12)
    server.stop()
    assert len(receiver.heard) == 12
    assert server.log.count("more than 10 redirects") == 1


@pytest.mark.parametrize(("status", "where"), [(301, None), (304, None), (308, "ftp://127.0.0.1/hook")])
def test_a_redirect_to_nowhere_is_a_call_that_was_not_taken(
    serve: Servers, receiver: Receiver, status: int, where: str | None
) -> None:
    server = serve(COUNTING)
    receiver.statuses += [status]
    receiver.answers.update({"Location": where} if where else {})
    ask(server, receiver, 1, **ANYWHERE)
    until(lambda: "Webhook was not delivered" in server.log, server)
    server.stop()
    assert "gave up" in server.log
    assert len(receiver.heard) == 1
