"""Names of requests, and the line that each of them leaves in the log."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import events, send, until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import time
    from typing import Iterator
    from cog import streaming

    class Runner:
        @streaming
        def run(self, seconds: float = 0.0) -> Iterator[str]:
            print("hello")
            time.sleep(seconds)
            yield "done"
    """


@pytest.fixture(scope="module")
def model(keep: Servers) -> Server:
    return keep(SOURCE)


def lines(server: Server, **wanted: object) -> list[dict[str, Any]]:
    """Return the fields of the log's lines that have these."""
    found = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    records = [{**each["fields"], "target": each["target"], "level": each["level"]} for each in found]
    return [each for each in records if wanted.items() <= each.items()]


def line(server: Server, **wanted: object) -> dict[str, Any]:
    """Return the one line that has these fields, once it is there."""
    (found,) = until(lambda: lines(server, **wanted), server)
    return dict(found)


def test_a_request_keeps_its_name_in_the_answer_and_in_every_line_about_it(model: Server) -> None:
    reply = model.request("POST", "/predictions", {"id": "p1"}, X_Request_ID="client/7:a.b_c-d")
    assert reply.headers["x-request-id"] == "client/7:a.b_c-d"
    named = until(lambda: len(found := lines(model, request_id="client/7:a.b_c-d")) == 4 and found, model)
    access = next(each for each in named if each["message"] == "Request")
    named.remove(access)
    assert [each["message"] for each in named] == ["Starting prediction", "hello", "Prediction succeeded"]
    assert {each["prediction_id"] for each in named} == {"p1"}
    assert 0 < access.pop("duration") < 10
    assert access == {
        "message": "Request",
        "method": "POST",
        "path": "/predictions",
        "status": 200,
        "request_id": "client/7:a.b_c-d",
        "target": "cog::access",
        "level": "INFO",
    }


@pytest.mark.parametrize("given", ["", "with blank", "x" * 129, 'quote"', "<b>", "né"])
def test_a_name_that_is_not_fit_to_be_passed_on_is_replaced(model: Server, given: str) -> None:
    for method, path in (("POST", "/predictions"), ("GET", "/predictions")):
        body = {} if method == "POST" else None
        reply = model.request(method, path, body, X_Request_ID=given.encode())  # type: ignore[arg-type]
        made = reply.headers["x-request-id"]
        assert made != given
        assert len(made) == 25


def test_names_that_are_made_differ(model: Server) -> None:
    ways: list[tuple[str, str, Any]] = [
        ("POST", "/predictions", {}),
        ("PUT", "/predictions/a", {}),
        ("GET", "/predictions", None),
        ("GET", "/nothing", None),
        ("POST", "/predictions", {"input": 3}),
    ]
    made = [model.request(*way).headers["x-request-id"] for way in ways * 3]
    assert len(set(made)) == len(made)


def test_every_way_of_answering_leaves_a_line(model: Server) -> None:
    model.request("PUT", "/predictions/q", {}, X_Request_ID="put")
    model.request("POST", "/predictions", {"input": {"seconds": "x"}}, X_Request_ID="wrong")
    model.request("GET", "/no%20such?token=secret", X_Request_ID="unknown")
    model.request("DELETE", "/predictions", X_Request_ID="method")
    list(events(model, {"id": "s"}))
    for identity, method, path, status in (
        ("put", "PUT", "/predictions/q", 200),
        ("wrong", "POST", "/predictions", 422),
        ("unknown", "GET", "/no%20such", 404),
        ("method", "DELETE", "/predictions", 405),
    ):
        found = line(model, request_id=identity, message="Request")
        assert (found["method"], found["path"], found["status"]) == (method, path, status)
    assert "secret" not in model.log


@pytest.mark.parametrize("kind", ["short", "usual"])
def test_a_client_that_went_away_is_logged_as_499(model: Server, kind: str) -> None:
    headers = {"X-Request-ID": f"gone-{kind}", **({"Prefer": "wait"} if kind == "usual" else {})}
    connection = http.client.HTTPConnection("127.0.0.1", model.port)
    with contextlib.closing(connection):
        send(connection, "POST", "/predictions", {"input": {"seconds": 20}}, headers)
        model.wait_for("BUSY")
        time.sleep(0.2)
    assert line(model, request_id=f"gone-{kind}", message="Request")["status"] == 499
    model.wait_for("READY")


def test_webhooks_carry_the_name(model: Server, receiver: Receiver) -> None:
    for identity in ("hook-1", ""):
        body = {"webhook": receiver.url(), "webhook_events_filter": ["completed"]}
        reply = model.request("POST", "/predictions", body, Prefer="respond-async", X_Request_ID=identity)
        told = until(lambda: list(receiver.heard))[-1]
        assert told.headers["x-request-id"] == reply.headers["x-request-id"]
        receiver.heard.clear()


def test_probes_are_logged_for_those_who_want_everything(model: Server, serve: Servers) -> None:
    loud = serve(SOURCE, RUST_LOG="coglet=debug,info")
    for server in (loud, model):
        for path in ("/health-check", "/livez", "/readyz", "/metrics"):
            server.request("GET", path, X_Request_ID="probe")
        server.request("GET", "/", X_Request_ID="after")
        line(server, request_id="after")
    assert len(lines(loud, request_id="probe", level="DEBUG")) == 4
    assert lines(model, request_id="probe") == []


def test_a_token_that_is_missing_is_logged_too(serve: Servers) -> None:
    server = serve(SOURCE, COG_AUTH_TOKEN="open-sesame", COG_CORS_ORIGINS="https://a.example")
    refused = server.request("POST", "/predictions", {}, X_Request_ID="stranger", Origin="https://a.example")
    assert (refused.status, refused.headers["x-request-id"]) == (401, "stranger")
    assert line(server, request_id="stranger")["status"] == 401


def test_the_option_chooses_the_form_of_the_log(serve: Servers) -> None:
    told = [
        (serve(SOURCE, "--log-format", "text", COG_LOG_FORMAT="json"), "text"),
        (serve(SOURCE, "--log-format=json", LOG_FORMAT="console"), "json"),
        (serve(SOURCE, COG_LOG_FORMAT="text", LOG_FORMAT="json"), "text"),
        (serve(SOURCE, LOG_FORMAT="console"), "text"),
        (serve(SOURCE, LOG_FORMAT="pretty"), "json"),
    ]
    for server, form in told:
        server.request("POST", "/predictions", {}, X_Request_ID="r1")
        last = until(lambda server=server: [each for each in server.log.splitlines() if "cog::access" in each])[0]
        if form == "json":
            assert json.loads(last)["fields"]["request_id"] == "r1"
        else:
            assert " INFO cog::access: Request method=POST path=/predictions status=200 duration=0." in last
            assert last.endswith(" request_id=r1")
