"""Server-sent events."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import Later, events, until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

CHUNKS = """
    import time
    import cog
    from cog import ConcatenateIterator

    class Runner:
        @cog.streaming
        def run(self, count: int, pause: float = 0.0) -> ConcatenateIterator[str]:
            for number in range(count):
                print("making", number)
                cog.current_scope().record_metric("made", 1, mode="increment")
                yield f"chunk-{number}"
                time.sleep(pause)
    """
PLAIN = """
    class Runner:
        def run(self, count: int) -> int:
            return count
    """


@pytest.fixture(scope="module")
def chunks(keep: Servers) -> Server:
    return keep(CHUNKS, COG_QUEUE="4")


def test_events_tell_the_story_in_order(chunks: Server) -> None:
    told = list(events(chunks, {"id": "s", "input": {"count": 2}}))
    assert told[0] == ("start", {"id": "s", "status": "processing"})
    assert [data for name, data in told if name == "output"] == [
        {"chunk": "chunk-0", "index": 0},
        {"chunk": "chunk-1", "index": 1},
    ]
    assert ("metric", {"mode": "increment", "name": "made", "value": 1}) in told
    assert "".join(data["data"] for name, data in told if name == "log") == "making 0\nmaking 1\n"
    name, end = told[-1]
    assert name == "completed"
    assert end["output"] == ["chunk-0", "chunk-1"]
    assert end["metrics"]["made"] == 2


def test_an_event_comes_when_it_happens(chunks: Server) -> None:
    begin = time.monotonic()
    told = events(chunks, {"input": {"count": 2, "pause": 0.5}})
    next(data for name, data in told if name == "output")
    assert time.monotonic() - begin < 0.4
    list(told)


def test_the_wire_format_is_upstreams(chunks: Server) -> None:
    reply = chunks.request("POST", "/predictions", {"input": {"count": 2}}, Accept="text/event-stream")
    assert b'event: output\ndata: {"chunk":"chunk-1","index":1}\n\n' in reply.body


def test_a_late_reader_joins_by_put_and_gets_what_it_missed(chunks: Server) -> None:
    chunks.request("PUT", "/predictions/late", {"input": {"count": 4, "pause": 0.1}}, Prefer="respond-async")
    time.sleep(0.15)
    told = list(events(chunks, {}, method="PUT", path="/predictions/late"))
    assert told[0][0] == "start"
    assert [data["index"] for name, data in told if name == "output"] == [0, 1, 2, 3]


def test_a_late_reader_is_told_when_it_missed_too_much(serve: Servers) -> None:
    server = serve(CHUNKS, COG_STREAM_HISTORY_CAPACITY="2")
    first = events(server, {"id": "long", "input": {"count": 4, "pause": 0.1}})
    for name, data in first:
        if name == "output" and data["index"] == 3:
            break
    ((name, data),) = events(server, {}, method="PUT", path="/predictions/long")
    assert name == "error"
    assert data["error"] == "SSE stream replay truncated; events were dropped"
    assert data["skipped"] >= 3
    list(first)


def test_a_prediction_ends_with_its_last_reader(chunks: Server) -> None:
    told = events(chunks, {"input": {"count": 1000, "pause": 0.05}})
    next(told)
    told.close()
    until(lambda: "Prediction canceled" in chunks.log)


def test_a_prediction_that_somebody_else_asked_for_goes_on_without_readers(
    chunks: Server, receiver: Receiver
) -> None:
    asked = {"input": {"count": 20, "pause": 0.05}, "webhook": receiver.url(), "webhook_events_filter": ["completed"]}
    chunks.request("PUT", "/predictions/background", asked, Prefer="respond-async")
    waiting = Later(lambda: chunks.request("PUT", "/predictions/waited", asked))
    for identity in ("background", "waited"):
        told = events(chunks, {}, method="PUT", path=f"/predictions/{identity}")
        next(told)
        told.close()
    receiver.wait_for(2)
    assert [each.json()["status"] for each in receiver.heard] == ["succeeded"] * 2
    assert waiting.result.json()["status"] == "succeeded"


def test_the_last_reader_may_be_another_than_the_first(chunks: Server) -> None:
    first = events(chunks, {"id": "two", "input": {"count": 1000, "pause": 0.05}})
    next(first)
    second = events(chunks, {}, method="PUT", path="/predictions/two")
    next(second)
    first.close()
    time.sleep(0.3)
    assert chunks.get("/predictions/two")["status"] == "processing"
    second.close()
    until(lambda: chunks.get("/predictions/two")["status"] == "canceled")


def test_a_model_that_does_not_stream_says_so(serve: Servers) -> None:
    server = serve(PLAIN)
    reply = server.request("POST", "/predictions", {"input": {"count": 1}}, Accept="text/event-stream")
    assert reply.status == 406
    assert reply.json() == {
        "error": "This model does not support streaming responses. Add @cog.streaming to predict() to enable SSE."
    }


def test_without_a_history_a_late_reader_sees_what_comes(serve: Servers) -> None:
    server = serve(CHUNKS, COG_STREAM_HISTORY_CAPACITY="0")
    server.request("PUT", "/predictions/new", {"input": {"count": 60, "pause": 0.05}}, Prefer="respond-async")
    until(lambda: len(server.get("/predictions/new").get("output", [])) > 3)
    told = list(events(server, {}, method="PUT", path="/predictions/new"))
    assert "start" not in {name for name, _ in told}
    indices = [data["index"] for name, data in told if name == "output"]
    assert indices[0] >= 3
    assert indices == list(range(indices[0], 60))
    assert told[-1][0] == "completed"


@pytest.mark.slow
def test_a_stream_that_is_silent_is_kept_alive(serve: Servers) -> None:
    server = serve(CHUNKS)
    asked = {"input": {"count": 1, "pause": 16}}
    reply = server.request("POST", "/predictions", asked, Accept="text/event-stream", timeout=40)
    assert b"\n: keep-alive\n\n" in reply.body
    assert b"event: completed" in reply.body


@pytest.mark.slow
def test_a_prediction_has_at_most_1024_readers(serve: Servers) -> None:
    server = serve(CHUNKS)
    server.request("PUT", "/predictions/busy", {"input": {"count": 1, "pause": 60}}, Prefer="respond-async")
    head = b"PUT /predictions/busy HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(1024):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            sock.sendall(head)
            assert sock.recv(12) == b"HTTP/1.1 200"
        reply = server.request("PUT", "/predictions/busy", {}, Accept="text/event-stream")
        assert (reply.status, reply.json()) == (429, {"error": "Too many stream subscribers"})
