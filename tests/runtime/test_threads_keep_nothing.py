"""What predictions in threads leave behind at their end: no memory, no open generator, no busy thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

SOURCE = """
    import ctypes, gc, os, threading, time, weakref
    from typing import Any, Iterator
    from cog import CancelationException, streaming

    # Only what refers to itself in a circle waits for the collector.
    gc.disable()
    alive = weakref.WeakSet()
    C = ctypes.CDLL(None)
    C.fdopen.restype = ctypes.c_void_p

    class Tensor:
        def __init__(self):
            alive.add(self)

    class Runner:
        def run(self, how: str, text: str = "") -> Any:
            tensor = Tensor()
            if how == "fail":
                raise ValueError(text)
            if how == "stop":
                raise StopIteration(text)
            if how == "own":
                raise CancelationException
            if how == "count":
                calls = sum(type(each).__name__ == "Call" for each in gc.get_objects())
                return [len(alive) - 1, calls]
            if how == "read in C":
                source, target = os.pipe()
                stream = ctypes.c_void_p(C.fdopen(source, b"r"))
                threading.Timer(0.5, os.write, (target, b"x")).start()
                print("reading")
                return C.fgetc(stream)
            if how in {"items", "quiet items"}:
                return self.items(text, how)
            while how == "loop":
                time.sleep(0.01)
            return "done"

        def items(self, name: str, how: str) -> Iterator[str]:
            tensor = Tensor()
            try:
                print("begin")
                while True:
                    time.sleep(0.001)
                    yield "x" * 2000
            finally:
                print("end of", name)
    """


@pytest.fixture(scope="module", params=["1", "3"])
def server(keep: Servers, request: pytest.FixtureRequest) -> Server:
    return keep(SOURCE, COG_THREADS=request.param)


def begin(server: Server, name: str, **inputs: Any) -> None:
    asked = {"id": name, "input": inputs}
    until(lambda: server.request("POST", "/predictions", asked, Prefer="respond-async").status == 202)


def cancelled(server: Server, name: str) -> Any:
    assert server.request("POST", f"/predictions/{name}/cancel").status == 200
    return server.get(f"/predictions/{name}?wait=5")


def left(server: Server) -> list[int]:
    """Return how many tensors and calls there are besides those of whoever looks."""
    counted: list[int] = server.output(how="count")
    return counted


def test_one_that_fails_or_is_cancelled_keeps_no_memory(server: Server) -> None:
    server.output(how="done")
    for number in range(10):
        assert server.predict(how="fail")["status"] == "failed"
        begin(server, f"loop-{number}", how="loop")
        assert cancelled(server, f"loop-{number}")["status"] == "canceled"
    tensors, calls = left(server)
    assert (tensors, calls <= 3) == (0, True)


def test_one_that_succeeds_keeps_no_memory(server: Server) -> None:
    for _ in range(10):
        server.output(how="done", text="x" * 100_000)
    tensors, calls = left(server)
    assert (tensors, calls <= 3) == (0, True)


def test_a_cancelled_generator_ends_where_it_ran(server: Server) -> None:
    for number in range(10):
        name = f"generator-{number}"
        begin(server, name, how="items", text=name)
        until(lambda name=name: "begin" in server.get(f"/predictions/{name}").get("logs", ""))
        ended = cancelled(server, name)
        assert (ended["status"], ended["logs"]) == ("canceled", f"begin\nend of {name}\n")
    assert left(server)[0] == 0


def test_what_a_method_raises_is_the_same_with_threads_and_without(server: Server) -> None:
    stopped = server.predict(how="stop", text="here")
    assert (stopped["status"], stopped["error"]) == ("failed", "Prediction failed: StopIteration: here")
    assert server.predict(how="own")["status"] == "canceled"


def test_a_stream_of_c_that_waits_for_python_does_not_stop_it(serve: Servers) -> None:
    server = serve(SOURCE, COG_THREADS="3")
    reading = server.later(how="read in C")
    until(lambda: server.health["runtime"]["running"] == 1)
    assert server.output(how="done") == "done"
    assert reading.result["output"] == ord("x")
