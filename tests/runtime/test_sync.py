"""One request, one answer."""

from __future__ import annotations

import contextlib
import http.client
import time
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import send, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

HELLO = """
    from cog import BaseRunner, Input

    class Runner(BaseRunner):
        def run(
            self,
            name: str = Input(description="whom to greet", max_length=5),
            times: int = Input(default=1, ge=1, le=3),
            tone: str = Input(default="plain", choices=["plain", "loud"]),
            more: str | None = None,
        ) -> str:
            print("greeting", name)
            text = f"hello {name}" * times
            return text.upper() if tone == "loud" else text
    """


@pytest.fixture(scope="module")
def hello(keep: Servers) -> Server:
    return keep(HELLO)


def test_a_prediction_answers_with_output_logs_and_metrics(hello: Server) -> None:
    reply = hello.request("POST", "/predictions", {"id": "one", "input": {"name": "you", "tone": "loud"}})
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert 0 < body.pop("metrics")["predict_time"] < 5
    assert body == {"id": "one", "logs": "greeting you\n", "output": "HELLO YOU", "status": "succeeded"}
    assert hello.predict(name="a")["id"].startswith("pred_")


def test_wrong_inputs_are_named_in_upstreams_form(hello: Server) -> None:

    def wrong(**inputs: object) -> list[tuple[str, str, str]]:
        reply = hello.request("POST", "/predictions", {"input": inputs})
        assert reply.status == 422
        return [("/".join(each["loc"]), each["msg"], each["type"]) for each in reply.json()["detail"]]

    assert wrong() == [("body/input/name", "Field required", "value_error.missing")]
    assert wrong(name=3) == [("body/input/name", '3 is not of type "string"', "value_error")]
    assert wrong(name="x", times=0) == [("body/input/times", "0 is less than the minimum of 1", "value_error")]
    assert wrong(name="x", times=4) == [("body/input/times", "4 is greater than the maximum of 3", "value_error")]
    assert wrong(name="longer") == [("body/input/name", '"longer" is longer than 5 characters', "value_error")]
    assert wrong(name="x", tone="q") == [("body/input/tone", '"q" is not one of ["plain","loud"]', "value_error")]
    assert wrong(name="x", more=None) == [("body/input/more", 'null is not of type "string"', "value_error")]
    assert [where for where, _, _ in wrong(times="x", tone=1)] == [
        "body/input/times",
        "body/input/tone",
        "body/input/tone",
        "body/input/name",
    ]
    assert hello.output(name="fine") == "hello fine"


def test_what_is_not_declared_is_dropped_with_a_warning(hello: Server) -> None:
    assert hello.output(name="x", other=1) == "hello x"
    until(lambda: "Unknown inputs were dropped" in hello.log)


BODIES = [
    (b"{bad", "application/json", 400),
    (b"", "application/json", 400),
    (b"[]", "application/json", 422),
    (b'{"id": 3}', "application/json", 422),
    (b'{"context": {"a": 1}}', "application/json", 422),
    (b'{"webhook_events_filter": ["never"]}', "application/json", 422),
    (b"{}", "text/plain", 415),
    (b'{"input": {"name": "x"}}', "application/json; charset=utf-8", 200),
]


def test_bodies_that_are_no_requests_are_refused(hello: Server) -> None:
    statuses = [hello.request("POST", "/predictions", body, Content_Type=kind).status for body, kind, _ in BODIES]
    assert statuses == [status for _, _, status in BODIES]


def test_without_a_content_type_the_body_counts_as_empty(hello: Server) -> None:
    reply = hello.request("POST", "/predictions", b'{"input": {"name": "x"}}')
    assert reply.status == 422
    assert reply.json()["detail"][0]["msg"] == "Field required"


def test_a_body_above_the_limit_is_refused(serve: Servers) -> None:
    server = serve(HELLO, COG_MAX_BODY_BYTES="1000")
    reply = server.request("POST", "/predictions", b"x" * 2000, Content_Type="application/json")
    assert (reply.status, reply.json()) == (
        413,
        {"error": "the request is longer than 1000 bytes", "status": "failed"},
    )


FAILING = """
    import sys, time

    class Runner:
        def run(self, how: str) -> str:
            print("about to", how)
            if how == "raise":
                raise ValueError("this is a value error")
            if how == "exit":
                sys.exit(3)
            if how == "sleep":
                time.sleep(30)
            return how
    """


@pytest.fixture(scope="module")
def failing(keep: Servers) -> Server:
    return keep(FAILING)


def test_an_exception_fails_the_prediction_and_shows_in_its_logs(failing: Server) -> None:
    body = failing.predict(how="raise")
    assert body["status"] == "failed"
    assert body["error"] == "Prediction failed: ValueError: this is a value error"
    assert "about to raise" in body["logs"]
    assert 'raise ValueError("this is a value error")' in body["logs"]
    assert "output" not in body
    assert failing.predict(how="exit")["error"] == "Prediction failed: SystemExit: 3"
    assert failing.output(how="still here") == "still here"


def test_a_second_request_finds_no_room_and_a_gone_client_cancels(failing: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", failing.port)
    with contextlib.closing(connection):
        send(connection, "POST", "/predictions", {"input": {"how": "sleep"}}, {})
        failing.wait_for("BUSY")
        reply = failing.request("POST", "/predictions", {"input": {"how": "work"}})
        assert reply.status == 409
        assert reply.json() == {"error": "At capacity - all prediction slots busy", "status": "failed"}
        time.sleep(0.15)
    failing.wait_for("READY")
    until(lambda: "Prediction canceled" in failing.log)


def test_put_is_idempotent_while_the_prediction_runs(failing: Server) -> None:
    asked = {"input": {"how": "sleep"}}
    first = failing.request("PUT", "/predictions/mine", asked, Prefer="respond-async")
    assert (first.status, first.json()) == (202, {"id": "mine", "status": "starting"})
    again = failing.request("PUT", "/predictions/mine", asked)
    assert again.status == 202
    assert again.json()["status"] == "processing"
    assert again.json()["input"] == {"how": "sleep"}
    mismatch = failing.request("PUT", "/predictions/mine", {"id": "other"})
    assert mismatch.json()["detail"] == [
        {
            "loc": ["body", "id"],
            "msg": "prediction ID must match the ID supplied in the URL",
            "type": "value_error",
        }
    ]
    assert failing.request("POST", "/predictions/mine/cancel").status == 200
    failing.wait_for("READY")
    assert failing.request("PUT", "/predictions/mine", {"input": {"how": "work"}}).json()["output"] == "work"


def test_a_serial_client_is_never_told_that_there_is_no_room(failing: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", failing.port)
    with contextlib.closing(connection):
        for _ in range(300):
            send(connection, "POST", "/predictions", {"input": {"how": "work"}}, {})
            answer = connection.getresponse()
            assert (answer.status, answer.read()[-1:]) == (200, b"}")
