"""Talking to a real small HTTP server that answers as it was told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from typing_extensions import Self

from cog_core.client import ModelClient
from cog_core.errors import InputInvalid, PredictionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@attrs.define
class Model:
    """A server: answers are (status, body) by path, a list is used up to its last one."""

    client: ModelClient
    answers: dict[str, Any]
    asked: list[tuple[str, str, bytes]] = attrs.field(factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        found = self.answers.get(path, (404, b"no such page"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, body = found
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def serve() -> Iterator[Callable[..., Model]]:
    with contextlib.ExitStack() as stack:

        def start(**answers: Any) -> Model:
            class Handler(BaseHTTPRequestHandler):
                def answer(self) -> None:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    model.asked.append((self.command, self.path, body))
                    status, answer = model.answer(self.path)
                    if status:
                        self.send_response(status)
                        self.send_header("Content-Length", str(len(answer)))
                        self.end_headers()
                    self.wfile.write(answer)

                do_GET = do_POST = answer  # noqa: N815 - the standard library's names

                def log_message(self, *_: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            pages = {"/" + name.replace("_", "-"): answer for name, answer in answers.items()}
            model = Model(ModelClient("127.0.0.1", server.server_address[1]), pages)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return model

        yield start


@attrs.frozen
class Running:
    """A container as the backends' contract has it, which printed something and runs, or has ended."""

    status: int | None = None
    printed: str = "what it printed"

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        return ()

    def wait(self, timeout: float | None = None) -> int | None:
        return self.status

    def logs(self) -> str:
        return self.printed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def health(status: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"status": status, **more}


def test_a_prediction_is_sent_and_its_answer_returned(serve):
    model = serve(predictions=(200, {"status": "succeeded", "output": "ä"}))

    answer = model.client.predict({"input": {"text": "ü"}})

    assert answer == {"status": "succeeded", "output": "ä"}
    (method, path, body) = model.asked[0]
    assert (method, path, json.loads(body)) == ("POST", "/predictions", {"input": {"text": "ü"}})


def test_another_path_can_be_asked(serve):
    model = serve(trainings=(200, {"status": "succeeded"}))

    assert model.client.predict({}, path="/trainings")["status"] == "succeeded"


def test_refused_inputs_become_problems_by_the_name_of_the_input(serve):
    detail = [
        {"loc": ["body", "input", "n"], "msg": "must be at least 1"},
        {"loc": ["body", "input", "files", 0], "msg": "not a URL"},
        {"loc": None, "msg": "odd"},
        {"loc": "text"},
        "not even an object",
    ]
    model = serve(predictions=(422, {"detail": detail}))

    with pytest.raises(InputInvalid) as caught:
        model.client.predict({})

    assert [problem.message for problem in caught.value.problems] == [
        "n: must be at least 1",
        "files.0: not a URL",
        "None: odd",
        "text: invalid",
    ]


@pytest.mark.parametrize("body", [{}, {"detail": "no"}, {"detail": []}])
def test_a_refusal_of_another_form_is_passed_on(serve, body):
    model = serve(predictions=(422, body))

    with pytest.raises(InputInvalid, match="could not be validated"):
        model.client.predict({})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((409, {"error": "already running"}), "refused the request with status 409: already running"),
        ((500, b"<html>oops</html>"), "status 500: <html>oops</html>"),
        ((503, {"odd": 1}), "status 503: {'odd': 1}"),
        ((200, []), "status 200: []"),
        ((422, b"no json"), "status 422: no json"),
        ((200, b"[" * 50_000), "status 200: [[["),
        ((200, b"\xff\xfe"), "status 200: \ufffd"),
        ((0, b"this is not HTTP\r\n\r\n"), "the model went away during the prediction"),
        ((0, b""), "the model went away during the prediction"),
    ],
)
def test_any_other_answer_is_a_failed_prediction(serve, answer, message):
    with pytest.raises(PredictionError) as caught:
        serve(predictions=answer).client.predict({})

    assert message in caught.value.message
    assert len(caught.value.message) < 1500


@pytest.fixture
def nobody() -> ModelClient:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return ModelClient("127.0.0.1", listener.getsockname()[1])


def test_nobody_at_the_address_is_told_by_each_call(nobody):
    assert nobody.health() == {"status": "UNKNOWN"}
    with pytest.raises(PredictionError, match="went away"):
        nobody.predict({})
    with pytest.raises(PredictionError, match="the model has no schema"):
        nobody.schema()


def test_the_schema_is_what_the_model_says(serve):
    model = serve(**{"openapi.json": (200, {"openapi": "3.0.2"})})

    assert model.client.schema() == {"openapi": "3.0.2"}
    assert model.client.url == f"http://127.0.0.1:{model.client.port}"


@pytest.mark.parametrize("answer", [(404, {}), (200, b"text"), (200, [])])
def test_a_model_without_a_schema_says_what_it_answered(serve, answer):
    with pytest.raises(PredictionError, match=rf"/openapi.json answered {answer[0]}"):
        serve(**{"openapi.json": answer}).client.schema()


@pytest.mark.parametrize("answer", [(500, {"status": "READY"}), (200, b"READY"), (200, ["READY"]), (0, b"x\r\n\r\n")])
def test_health_that_cannot_be_read_is_unknown(serve, answer):
    assert serve(health_check=answer).client.health() == {"status": "UNKNOWN"}


@pytest.mark.parametrize("status", ["READY", "BUSY"])
def test_waiting_ends_when_setup_has_ended_well(serve, status):
    model = serve(health_check=[(503, b""), health("STARTING"), health("UNKNOWN"), (200, {}), health(status)])

    model.client.wait_until_ready(Running(), timeout=20)

    assert len(model.asked) == 5


def test_a_model_that_is_ill_counts_as_started_for_those_who_only_serve_it(serve):
    model = serve(health_check=[health("STARTING"), health("UNHEALTHY")])

    model.client.wait_until_ready(Running(), timeout=20, healthy=False)

    assert len(model.asked) == 2
    with pytest.raises(PredictionError, match="the model is UNHEALTHY"):
        model.client.wait_until_ready(Running(), timeout=20)


@pytest.mark.parametrize(
    ("answer", "container", "message", "logs"),
    [
        (health("SETUP_FAILED", setup={"logs": "A\nB: c\n\n"}), Running(), "model setup failed: B: c", "A\nB: c\n\n"),
        (health("SETUP_FAILED", setup=None), Running(), "model setup failed", ""),
        (health("SETUP_FAILED", setup="odd"), Running(), "model setup failed", ""),
        (health("BAD", user_healthcheck_error="no GPU"), Running(), "the model is BAD: no GPU", "what it printed"),
        (health(["READY"]), Running(), "the model is ['READY']", "what it printed"),
        (health("DEFUNCT"), Running(), "the model is DEFUNCT", "what it printed"),
        (health("STARTING"), Running(137), "the container ended with status 137 before setup", "what it printed"),
        (health("STARTING"), Running(0), "the container ended with status 0 before setup", "what it printed"),
        (health("STARTING"), Running(), "setup did not end within 0.2 s", "what it printed"),
    ],
)  # fmt: skip
def test_waiting_ends_with_the_reason_and_the_logs(serve, answer, container, message, logs):
    with pytest.raises(PredictionError) as caught:
        serve(health_check=answer).client.wait_until_ready(container, timeout=0.2)

    assert message in caught.value.message
    assert caught.value.logs == logs


def test_a_container_that_ends_before_it_listens_ends_the_wait(nobody):
    with pytest.raises(PredictionError, match="ended with status 1 before setup"):
        nobody.wait_until_ready(Running(1), timeout=20)
