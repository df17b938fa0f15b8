"""What upstream's server does with requests and answers, and where ours is better on purpose."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import events, until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

STREAMING = """
    import time
    import cog
    from typing import Iterator

    class Runner:
        @cog.streaming
        def run(self, count: int = 1, how: str = "", url: str = "", number: float = 1.0) -> Iterator[str]:
            for n in range(count):
                yield f"c{n}"
            if how == "raise":
                raise ValueError("exploded")
            if how == "sleep":
                time.sleep(30)
            if how == "told":
                yield f"{type(url).__name__} {url} {type(number).__name__}"
    """


@pytest.fixture(scope="module")
def streaming(keep: Servers) -> Server:
    return keep(STREAMING)


def test_every_answer_says_when_it_was_made(streaming: Server) -> None:
    ways: list[tuple[str, str, Any]] = [
        ("POST", "/predictions", {}),
        ("PUT", "/predictions/dated", {}),
        ("GET", "/health-check", None),
        ("GET", "/nothing", None),
    ]
    for way in ways:
        date = streaming.request(*way).headers["date"]
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert abs((datetime.now(timezone.utc) - parsedate_to_datetime(date)).total_seconds()) < 30


def test_only_the_exact_preference_makes_a_request_asynchronous(streaming: Server) -> None:
    for preference, status in (("respond-async", 202), ("respond-async, wait=10", 200), ("wait", 200)):
        assert streaming.request("POST", "/predictions", {}, Prefer=preference).status == status
        streaming.wait_for("READY")


def test_events_go_before_the_preference(streaming: Server) -> None:
    headers = {"Accept": "text/html, text/event-stream;q=0.5", "Prefer": "respond-async"}
    reply = streaming.request("POST", "/predictions", {}, **headers)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")


def test_fields_that_are_not_known_are_ignored(streaming: Server) -> None:
    body = {"input": {}, "output_file_prefix": "https://x.example/", "version": "v", "anything": {}}
    assert streaming.request("POST", "/predictions", body).json()["output"] == ["c0"]


def test_a_filter_of_null_counts_as_none(streaming: Server) -> None:
    assert streaming.request("POST", "/predictions", {"webhook_events_filter": None}).status == 200


def test_of_fields_that_come_twice_the_last_one_counts(streaming: Server) -> None:
    body = b'{"input":{"count":1},"input":{"count":2}}'
    assert streaming.request("POST", "/predictions", body, Content_Type="application/json").json()["output"] == [
        "c0",
        "c1",
    ]


def test_what_was_made_before_the_end_is_told(streaming: Server, receiver: Receiver) -> None:
    body = {"id": "f", "input": {"count": 2, "how": "raise"}, "webhook": receiver.url("/hook")}
    answer = streaming.request("POST", "/predictions", body).json()
    assert (answer["status"], answer["output"]) == ("failed", ["c0", "c1"])
    assert receiver.wait_for_end()[-1]["output"] == ["c0", "c1"]
    name, end = list(events(streaming, {"input": {"count": 1, "how": "raise"}}))[-1]
    assert (name, end["output"]) == ("completed", ["c0"])
    streaming.request("PUT", "/predictions/c", {"input": {"count": 3, "how": "sleep"}}, Prefer="respond-async")
    until(lambda: len(streaming.get("/predictions/c").get("output", [])) == 3)
    streaming.request("POST", "/predictions/c/cancel")
    ended = streaming.get("/predictions/c?wait=10")
    assert (ended["status"], ended["output"]) == ("canceled", ["c0", "c1", "c2"])


def test_inputs_are_converted_only_where_files_and_secrets_are_declared(streaming: Server) -> None:
    asked = {"how": "told", "url": "https://a.example/x.png", "number": 2}
    assert streaming.output(**asked)[-1] == "str https://a.example/x.png int"


def test_the_version_of_health_names_server_sdk_and_python(streaming: Server) -> None:
    version = streaming.health["version"]
    assert version.keys() == {"coglet", "cog", "python_sdk", "python"}


def test_an_image_without_a_document_checks_nothing(serve: Servers) -> None:
    source = "class Runner:\n    def run(self, n: int) -> str:\n        return type(n).__name__\n"
    server = serve(source, COG_SCHEMA="/nonexistent")
    assert server.request("GET", "/openapi.json").json() == {"error": "OpenAPI schema not available"}
    assert server.output(n="text") == "str"
    assert server.predict(m=1)["status"] == "failed"


def test_a_class_may_have_nothing_but_train(serve: Servers) -> None:
    source = """
    class Runner:
        def run(self, n: int) -> int:
            return n

    class Trainer:
        def train(self, n: int) -> int:
            return n * 2
    """
    server = serve(source, "--x-mode=train", COG_TRAIN_TYPE_STUB="predict.py:Trainer")
    assert server.request("POST", "/trainings", {"input": {"n": 4}}).json()["output"] == 8


OUTPUTS = """
    import datetime, io, pathlib
    from typing import Any
    from cog import BaseRunner, Input, Path, Secret, current_scope

    class Runner(BaseRunner):
        def run(self, how: str, secret: Secret = Input(default="")) -> Any:
            pathlib.Path("x.txt").write_text("hi")
            scope = current_scope()
            if how == "secret":
                return secret
            if how == "missing":
                return Path("missing.txt")
            if how == "text":
                return open("x.txt")
            if how == "stringio":
                return io.StringIO("abc")
            if how == "map":
                return map(str, [1, 2])
            if how == "date":
                return datetime.date(2020, 1, 2)
            if how == "large":
                return 2**70
            if how == "half":
                return "\\ud800"
            if how == "metrics":
                scope.record_metric("a.b", 1)
                scope.record_metric("n", 1, mode="incr")
                scope.record_metric("n", 1.5, mode="increment")
                scope.record_metric("l", 1, mode="append")
                scope.record_metric("l", "x", mode="append")
                scope.metrics["gone"] = 1
                del scope.metrics["gone"]
            return how
    """


@pytest.fixture(scope="module")
def outputs(keep: Servers) -> Server:
    return keep(OUTPUTS)


def test_a_secret_that_is_returned_stays_one(outputs: Server) -> None:
    reply = outputs.request("POST", "/predictions", {"input": {"how": "secret", "secret": "hush"}})
    assert reply.json()["output"] == "**********"
    assert b"hush" not in reply.body


def test_a_file_that_is_not_there_fails_the_prediction(outputs: Server) -> None:
    answer = outputs.predict(how="missing")
    assert answer["status"] == "failed"
    assert "missing.txt" in answer["error"]


def test_values_that_upstream_refuses_or_changes(outputs: Server) -> None:
    assert outputs.output(how="text") == "data:text/plain;base64,aGk="
    assert outputs.output(how="stringio").endswith(";base64,YWJj")
    assert outputs.output(how="map") == ["1", "2"]
    assert outputs.output(how="date") == "2020-01-02"
    assert outputs.output(how="large") == 2**70
    assert outputs.output(how="half") == "?"


def test_metrics_of_every_mode_stand_in_the_answer(outputs: Server) -> None:
    metrics = outputs.predict(how="metrics")["metrics"]
    assert metrics.pop("predict_time") > 0
    assert metrics == {"a": {"b": 1}, "n": 2.5, "l": [1, "x"]}


def test_what_has_no_effect_is_said_once(serve: Servers) -> None:
    source = "class Runner:\n    def run(self) -> str:\n        return 'x'\n"
    server = serve(
        source, SENTRY_DSN="https://key@sentry.example/1", RUST_WORKER_DIRECT_LOG="1", RUST_LOG="nonsense=1"
    )
    for _ in range(2):
        server.predict()
    server.stop()
    for name in ("SENTRY_DSN has no effect", "RUST_WORKER_DIRECT_LOG has no effect", "RUST_LOG is ignored"):
        assert server.log.count(name) == 1
    assert "key@sentry" not in server.log
