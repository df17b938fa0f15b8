"""Time limits: of a prediction, and of the server's end."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    import asyncio, ctypes, os, time

    class Runner:
        def run(self, how: str) -> int:
            print("begun")
            if how == "sleep":
                time.sleep(30)
            if how == "stubborn":
                # C code that holds the interpreter: no signal handler of Python's gets its turn.
                ctypes.PyDLL(None).sleep(30)
                ctypes.PyDLL(None).sleep(30)
            return os.getpid()
    """


def test_a_request_says_how_long_its_prediction_may_take(serve: Servers) -> None:
    server = serve(SOURCE)
    pid = server.output(how="tell")
    begin = time.monotonic()
    reply = server.request("POST", "/predictions", {"input": {"how": "sleep"}, "timeout": 0.3})
    assert 0.3 <= time.monotonic() - begin < 2
    answer = reply.json()
    assert (answer["status"], answer["error"]) == ("failed", "Prediction failed: it ran longer than 0.3 s")
    assert "begun" in answer["logs"]
    assert server.output(how="tell") == pid
    assert server.request("POST", "/predictions", {"input": {"how": "tell"}, "timeout": 5}).json()["output"] == pid
    wrong = server.request("POST", "/predictions", {"input": {"how": "tell"}, "timeout": "soon"})
    assert (wrong.status, wrong.json()["detail"][0]["loc"]) == (422, ["body", "timeout"])


def test_a_worker_that_does_not_yield_is_replaced(serve: Servers) -> None:
    server = serve(SOURCE, COG_PREDICT_TIMEOUT="0.3")
    pid = server.output(how="tell")
    begin = time.monotonic()
    answer = server.predict(how="stubborn")
    assert time.monotonic() - begin < 8
    assert answer["error"] == "Prediction failed: it ran longer than 0.3 s"
    assert server.output(how="tell") != pid
    longer = server.request("POST", "/predictions", {"input": {"how": "sleep"}, "timeout": 60}).json()
    assert longer["error"] == "Prediction failed: it ran longer than 0.3 s"


def test_a_model_that_does_not_hear_of_it_is_too_late_all_the_same(serve: Servers) -> None:
    source = """
        import time
        from cog import CancelationException

        class Runner:
            def run(self) -> str:
                try:
                    time.sleep(1)
                except CancelationException:
                    pass
                return "done"
        """
    for threads in ("1", "2"):
        server = serve(source, COG_THREADS=threads, COG_PREDICT_TIMEOUT="0.3")
        answer = server.predict()
        assert (answer["status"], answer["error"]) == ("failed", "Prediction failed: it ran longer than 0.3 s")


def test_draining_has_a_limit_where_one_is_set(serve: Servers) -> None:
    server = serve(SOURCE, COG_DRAIN_TIMEOUT="0.5")
    running = server.later(how="sleep")
    until(lambda: server.health["status"] == "BUSY")
    begin = time.monotonic()
    server.tell(signal.SIGTERM)
    assert running.result["status"] == "failed"
    assert server.process.wait(5) == 0
    assert 0.4 < time.monotonic() - begin < 3


def test_the_limit_for_predictions_is_none_for_trainings(serve: Servers) -> None:
    source = (
        SOURCE + "\n    def train(seconds: float) -> str:\n        time.sleep(seconds)\n        return 'trained'\n"
    )
    server = serve(source, train=True, COG_PREDICT_TIMEOUT="0.2", COG_TRAIN_TYPE_STUB="predict.py:train")
    body = {"input": {"seconds": 0.6}}
    assert server.request("POST", "/trainings", body).json()["output"] == "trained"
    limited = server.request("POST", "/trainings", {**body, "timeout": 0.2}).json()
    assert limited["error"] == "Training failed: it ran longer than 0.2 s"
