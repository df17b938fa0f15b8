"""Requests that arrive together run as one call of the model, and stay each request's own."""

from __future__ import annotations

import base64
import contextlib
import http.client
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import Later, events, send, until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

BLOCKING = """
    import os, time
    from cog import Input, batch, current_scope

    class Runner:
        calls = 0

        @batch(max_size=2, window=60)
        def run(self, text: list[str], times: list[int] = Input(default=2, ge=0)) -> list[str]:
            Runner.calls += 1
            print("together:", *text)
            for each, scope in zip(text, current_scope().batch):
                scope.record_metric("length", len(each))
            current_scope().record_metric("size", len(text))
            if "die" in text:
                os._exit(3)
            if "raise" in text:
                raise RuntimeError("the whole batch")
            if "short" in text:
                return text[1:]
            if "word" in text:
                return "word"
            if "slow" in text:
                time.sleep(2)
            if "stuck" in text:
                time.sleep(60)
            answers = [f"{Runner.calls}:{each * count}" for each, count in zip(text, times)]
            if "bad" in text:
                answers[text.index("bad")] = ValueError("this one is bad")
            if "odd" in text:
                answers[text.index("odd")] = object()
            return answers
    """
SEVERAL = (
    BLOCKING.replace("def run", "async def run")
    .replace("time.sleep", "await asyncio.sleep")
    .replace("import os", "import asyncio, os")
    .replace("@batch", "@concurrent(max=2)\n        @batch")
    .replace("import Input", "import concurrent, Input")
)
# A thread is interrupted between two steps of Python, not in the middle of a call that sleeps.
THREADS = BLOCKING.replace("time.sleep(60)", "[time.sleep(0.01) for _ in range(6000)]")
KINDS = {"blocking": BLOCKING, "async": SEVERAL, "threads": THREADS}
VARIABLES: dict[str, dict[str, str]] = {"blocking": {}, "async": {}, "threads": {"COG_THREADS": "2"}}


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, keep: Servers) -> Server:
    return keep(KINDS[request.param], **VARIABLES[request.param])


def together(server: Server, *texts: str, **more: Any) -> list[Any]:
    """Ask for all at once, each under its text as id, and return the answers."""
    asked = [Later(lambda text=text: ask(server, text, **more)) for text in texts]
    return [each.result for each in asked]


def ask(server: Server, text: str, times: int | None = None, **more: Any) -> Any:
    inputs = {"text": text, **({} if times is None else {"times": times})}
    reply = server.request("POST", "/predictions", {"id": text, "input": inputs, **more})
    assert reply.status == 200, reply
    return reply.json()


def test_the_document_describes_one_request(server: Server) -> None:
    schemas = server.get("/openapi.json")["components"]["schemas"]
    inputs = schemas["Input"]["properties"]
    assert (inputs["text"]["type"], inputs["times"]["type"], inputs["times"]["default"]) == ("string", "integer", 2)
    assert schemas["Input"]["required"] == ["text"]
    assert schemas["Output"]["type"] == "string"
    wrong = server.request("POST", "/predictions", {"input": {"text": ["a"]}})
    assert wrong.status == 422


def test_requests_within_the_window_are_one_call(server: Server) -> None:
    answers = together(server, "a", "bb")
    assert len({answer["output"].partition(":")[0] for answer in answers}) == 1
    assert [answer["output"].partition(":")[2] for answer in answers] == ["aa", "bbbb"]
    for name, answer in zip(("a", "bb"), answers, strict=True):
        assert answer["id"] == name
        assert answer["metrics"]["size"] == 2
        assert answer["metrics"]["length"] == len(name)
        assert answer["metrics"]["queue_time"] < 30
        assert answer["logs"].startswith("together: ")


@pytest.mark.parametrize("kind", KINDS)
def test_one_alone_waits_for_the_window_and_no_longer(serve: Servers, kind: str) -> None:
    server = serve(KINDS[kind], COG_BATCH_WINDOW="0.3", **VARIABLES[kind])
    answer = ask(server, "alone", times=1)
    assert answer["output"].endswith(":alone")
    assert answer["metrics"]["size"] == 1
    assert 0.29 <= answer["metrics"]["queue_time"] < 30


def test_inputs_that_are_left_out_have_their_default(server: Server) -> None:
    one, other = Later(lambda: ask(server, "x", times=3)), Later(lambda: ask(server, "y"))
    assert one.result["output"].endswith(":xxx")
    assert other.result["output"].endswith(":yy")


def test_an_exception_in_the_list_fails_its_own_request(server: Server) -> None:
    good, bad = together(server, "good", "bad")
    assert (good["status"], good["output"].endswith("goodgood")) == ("succeeded", True)
    assert (bad["status"], bad["error"]) == ("failed", "Prediction failed: ValueError: this one is bad")
    assert "ValueError: this one is bad" in bad["logs"]
    assert "ValueError" not in good["logs"]
    fine, odd = together(server, "fine", "odd")
    assert (fine["status"], odd["status"]) == ("succeeded", "failed")
    assert odd["error"] == "Prediction failed: TypeError: Object of type object is not JSON serializable"


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("raise", "RuntimeError: the whole batch"),
        ("short", "ValueError: a batched method returns an item for each request, not 1 for 2"),
        ("word", "TypeError: a batched method returns a list with an item for each request, not str"),
    ],
)
def test_what_the_whole_call_does_wrong_fails_all(server: Server, word: str, error: str) -> None:
    for answer in together(server, word, "other"):
        assert (answer["status"], answer["error"]) == ("failed", f"Prediction failed: {error}")
        assert error.partition(":")[0] in answer["logs"]


def test_one_that_is_cancelled_leaves_the_others_alone(server: Server) -> None:
    slow, gone = Later(lambda: ask(server, "slow")), Later(lambda: ask(server, "gone"))
    until(lambda: server.health["runtime"]["running"] == 2)
    assert server.request("POST", "/predictions/gone/cancel").status == 200
    assert gone.result["status"] == "canceled"
    assert server.health["runtime"]["running"] == 1
    assert slow.result["output"].endswith("slowslow")


def test_when_all_are_cancelled_the_method_is(server: Server) -> None:
    stuck = [Later(lambda name=name: ask(server, name)) for name in ("stuck", "too")]
    until(lambda: server.health["runtime"]["running"] == 2)
    # One that is cancelled before the method begins is not among its texts, and nothing would hold up the other.
    until(lambda: "together: " in server.get("/predictions/too")["logs"])
    for name in ("stuck", "too"):
        server.request("POST", f"/predictions/{name}/cancel")
    assert [each.result["status"] for each in stuck] == ["canceled"] * 2
    assert together(server, "next", "more")[0]["status"] == "succeeded"


def test_one_that_still_gathers_can_be_cancelled(server: Server) -> None:
    first = Later(lambda: ask(server, "first"))
    until(lambda: server.health["runtime"]["queued"] == 1)
    assert server.get("/predictions/first")["status"] == "starting"
    server.request("POST", "/predictions/first/cancel")
    assert first.result["status"] == "canceled"
    assert [each["metrics"]["size"] for each in together(server, "second", "third")] == [2, 2]


def test_time_limits_are_each_request_s_own(server: Server) -> None:
    slow, hasty = Later(lambda: ask(server, "slow")), Later(lambda: ask(server, "hasty", timeout=0.3))
    assert hasty.result["error"] == "Prediction failed: it ran longer than 0.3 s"
    assert slow.result["status"] == "succeeded"
    limited = together(server, "stuck", "with", timeout=0.3)
    assert [each["error"] for each in limited] == ["Prediction failed: it ran longer than 0.3 s"] * 2
    assert together(server, "next", "more")[0]["status"] == "succeeded"


def test_webhooks_are_each_request_s_own(server: Server, receiver: Receiver) -> None:
    plain, told = Later(lambda: ask(server, "plain")), Later(lambda: ask(server, "told", webhook=receiver.url()))
    assert plain.result["metrics"]["size"] == told.result["metrics"]["size"] == 2
    found = receiver.wait_for_end()
    assert {each["id"] for each in found} == {"told"}
    assert found[-1]["output"] == told.result["output"]


def test_a_worker_that_dies_fails_its_batch_and_comes_back(server: Server) -> None:
    answers = together(server, "die", "here")
    assert [each["error"] for each in answers] == ["Prediction failed: Worker crashed (exit status 3)"] * 2
    assert together(server, "again", "more")[0]["status"] == "succeeded"


def test_while_a_batch_runs_the_next_one_gathers(serve: Servers) -> None:
    server = serve(BLOCKING)
    slow = [Later(lambda name=name: ask(server, name)) for name in ("slow", "with")]
    until(lambda: server.health["status"] == "BUSY")
    following = [Later(lambda name=name: ask(server, name)) for name in "ab"]
    until(lambda: server.health["runtime"]["queued"] == 2)
    assert server.request("POST", "/predictions", {"input": {"text": "e"}}).status == 409
    assert [each.result["metrics"]["size"] for each in (*slow, *following)] == [2] * 4


def test_a_queue_holds_several_batches_and_workers_share_them(serve: Servers) -> None:
    server = serve(BLOCKING.replace("{Runner.calls}", "{os.getpid()}"), COG_QUEUE="20", COG_WORKERS="2")
    until(lambda: server.health["runtime"]["slots"] == 2)
    asked = [Later(lambda: server.predict(text="slow")) for _ in range(8)]
    answers = [each.result for each in asked]
    assert {each["metrics"]["size"] for each in answers} == {2}
    assert len({each["output"].partition(":")[0] for each in answers}) == 2


@pytest.mark.parametrize("kind", ["async", "threads"])
def test_several_batches_run_at_a_time(serve: Servers, kind: str) -> None:
    server = serve(KINDS[kind], **VARIABLES[kind])
    slow = [Later(lambda name=name: ask(server, name)) for name in ("slow", "with")]
    until(lambda: server.health["runtime"]["running"] == 2)
    assert server.health["status"] == "READY"
    quick = together(server, "a", "b")
    assert quick[0]["logs"] == quick[1]["logs"]
    assert quick[0]["logs"] in {"together: a b\n", "together: b a\n"}
    assert server.get("/predictions/slow")["status"] == "processing"
    assert [each.result["status"] for each in slow] == ["succeeded"] * 2


def test_the_environment_changes_size_and_window(serve: Servers) -> None:
    server = serve(BLOCKING, COG_BATCH_SIZE="3")
    assert [each["metrics"]["size"] for each in together(server, "a", "b", "c")] == [3, 3, 3]


FUNCTION = """
    from typing import List, Optional
    from cog import Path, current_scope

    def Runner(image: List[Path], names: List[List[str]], note: List[Optional[str]]) -> List[dict]:
        scope = current_scope()
        found = [each.context["who"] for each in scope.batch]
        shared = scope.context.get("all")
        return [
            {"text": path.read_text(), "names": each, "note": text, "who": who, "all": shared}
            for path, each, text, who in zip(image, names, note, found)
        ]

    def train(n: int) -> int:
        return n
    """


def data_url(text: str) -> str:
    return "data:text/plain;base64," + base64.b64encode(text.encode()).decode()


def test_a_function_without_decorator_is_batched_by_configuration(serve: Servers) -> None:
    server = serve(FUNCTION, train=True, batched=True, COG_BATCH_SIZE="3", COG_BATCH_WINDOW="20")
    bodies = [
        {"input": {"image": data_url("one"), "names": ["x", "y"]}, "context": {"who": "a", "all": "z"}},
        {"input": {"image": data_url("two"), "names": [], "note": "n"}, "context": {"who": "b", "all": "z"}},
        {"input": {"image": "http://127.0.0.1:1/x", "names": []}, "context": {"who": "c"}},
    ]
    asked = [Later(lambda body=body: server.request("POST", "/predictions", body).json()) for body in bodies]
    first, second, broken = [each.result for each in asked]
    assert first["output"] == {"text": "one", "names": ["x", "y"], "note": None, "who": "a", "all": "z"}
    assert second["output"] == {"text": "two", "names": [], "note": "n", "who": "b", "all": "z"}
    assert broken["status"] == "failed"
    assert "not a public address" in broken["error"]


def test_trainings_of_a_batched_model_run_alone(serve: Servers) -> None:
    server = serve(
        FUNCTION,
        train=True,
        batched=True,
        COG_BATCH_SIZE="3",
        COG_BATCH_WINDOW="60",
        COG_TRAIN_TYPE_STUB="predict.py:train",
    )
    assert server.request("POST", "/trainings", {"input": {"n": 4}}).json()["output"] == 4


def test_events_of_a_request_in_a_batch_are_refused_as_of_any_model_that_does_not_stream(server: Server) -> None:
    with pytest.raises(AssertionError, match="stream"):
        list(events(server, {"input": {"text": "x"}}))


def test_a_generator_cannot_be_batched(serve: Servers) -> None:
    source = """
        from typing import Iterator

        class Runner:
            def run(self, text: str) -> Iterator[str]:
                yield text
        """
    server = serve(source, wait=False, COG_BATCH_SIZE="4")
    logs = server.wait_for("SETUP_FAILED")["setup"]["logs"]
    assert "a batched method returns a list, so it cannot be a generator" in logs


def test_a_worker_that_does_not_batch_gets_requests_one_by_one(serve: Servers) -> None:
    source = "class Runner:\n    def run(self, text: str) -> str:\n        return text\n"
    server = serve(source, COG_BATCH_WINDOW="60")
    assert server.output(text="a") == "a"


def test_a_client_that_goes_away_leaves_the_batch(serve: Servers) -> None:
    server = serve(BLOCKING)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        send(connection, "POST", "/predictions", {"id": "gone", "input": {"text": "gone"}}, {})
        slow = Later(lambda: ask(server, "slow"))
        until(lambda: server.health["runtime"]["running"] == 2)
    until(lambda: server.get("/predictions/gone")["status"] == "canceled")
    assert slow.result["status"] == "succeeded"


def test_what_has_gathered_is_done_before_the_server_ends(serve: Servers) -> None:
    server = serve(BLOCKING, COG_BATCH_WINDOW="1")
    last = Later(lambda: ask(server, "last"))
    until(lambda: server.health["runtime"]["queued"] == 1)
    server.stop()
    assert last.result["status"] == "succeeded"
