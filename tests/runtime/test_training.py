"""Models that can be trained."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    from cog import BaseModel, Path

    class Runner:
        def run(self, n: int) -> int:
            return n

    class Trained(BaseModel):
        weights: Path

    def train(steps: int, name: str = "w") -> Trained:
        print("Trainer is setting up.")
        if steps < 0:
            raise ValueError("backwards")
        path = Path("/tmp", f"cog-test-{name}.txt")
        path.write_text(str(steps))
        return Trained(weights=path)
    """


def test_trainings_have_routes_of_their_own(serve: Servers) -> None:
    server = serve(SOURCE, train=True, COG_TRAIN_TYPE_STUB="predict.py:train")
    assert server.get("/")["trainings_url"] == "/trainings"
    reply = server.request("POST", "/trainings", {"id": "t", "input": {"steps": 3}})
    assert reply.status == 200
    assert reply.json()["output"] == {"weights": "data:text/plain;base64,Mw=="}
    assert reply.json()["logs"] == "Trainer is setting up.\n"
    wrong = server.request("POST", "/trainings", {"input": {}})
    assert (wrong.status, wrong.json()["detail"][0]["loc"]) == (422, ["body", "input", "steps"])
    failed = server.request("PUT", "/trainings/x", {"input": {"steps": -1}})
    assert failed.json()["error"] == "Training failed: ValueError: backwards"
    assert server.output(n=4) == 4
    stream = server.request("POST", "/trainings", {"input": {"steps": 1}}, Accept="text/event-stream")
    assert (stream.status, stream.json()["error"]) == (406, "Training endpoints do not support streaming responses.")


def test_a_server_can_be_for_trainings_alone(serve: Servers) -> None:
    server = serve(SOURCE, "--x-mode", "train", train=True, COG_TRAIN_TYPE_STUB="predict.py:train")
    assert server.request("POST", "/trainings", {"input": {"steps": 3}}).json()["status"] == "succeeded"


def test_a_model_without_training_says_so(serve: Servers) -> None:
    server = serve("class Runner:\n    def run(self, n: int) -> int:\n        return n\n")
    assert "trainings_url" not in server.get("/")
    body = server.request("POST", "/trainings", {"input": {"n": 1}}).json()
    assert body["error"].endswith("Training not supported by this predictor")


def test_a_training_is_not_found_among_the_predictions(serve: Servers) -> None:
    server = serve(SOURCE, train=True, COG_TRAIN_TYPE_STUB="predict.py:train")
    assert server.request("PUT", "/predictions/same", {"input": {"n": 5}}).json()["output"] == 5
    assert server.request("GET", "/trainings/same").status == 404
    assert server.get("/trainings") == {"results": []}
    assert "weights" in server.request("PUT", "/trainings/same", {"input": {"steps": 1}}).json()["output"]
    assert server.get("/predictions/same")["output"] == 5
    assert server.get("/predictions")["results"] == server.get("/trainings")["results"] != []


BESIDE = """
    import asyncio, time
    from cog import concurrent

    class Runner:
        @concurrent(max=3)
        async def run(self, n: int) -> int:
            return n

        async def healthcheck(self) -> bool:
            return True

    def train(steps: int) -> str:
        print("training")
        try:
            for _ in range(steps):
                time.sleep(0.01)
        finally:
            print("trained")
        if steps < 0:
            raise ValueError("backwards")
        return "w"
    """


def test_a_training_that_blocks_leaves_an_async_model_free(serve: Servers) -> None:
    server = serve(BESIDE, train=True, COG_TRAIN_TYPE_STUB="predict.py:train")
    begin = time.monotonic()
    asked = server.request("PUT", "/trainings/long", {"input": {"steps": 3000}}, Prefer="respond-async")
    assert asked.status == 202
    assert server.output(n=4) == 4
    assert server.health["status"] == "READY"
    until(lambda: server.get("/trainings/long")["logs"])
    assert server.request("POST", "/trainings/long/cancel").status == 200
    until(lambda: server.get("/trainings/long")["status"] == "canceled", server)
    assert time.monotonic() - begin < 10
    assert server.get("/trainings/long")["logs"] == "training\ntrained\n"
    trained = server.request("POST", "/trainings", {"input": {"steps": 1}}).json()
    assert (trained["output"], trained["logs"]) == ("w", "training\ntrained\n")
    failed = server.request("POST", "/trainings", {"input": {"steps": -1}}).json()
    assert failed["error"] == "Training failed: ValueError: backwards"
    assert server.health["runtime"]["running"] == 0


def test_a_training_that_blocks_ends_with_the_server(serve: Servers) -> None:
    server = serve(BESIDE, train=True, COG_TRAIN_TYPE_STUB="predict.py:train")
    server.request("PUT", "/trainings/long", {"input": {"steps": 3000}}, Prefer="respond-async")
    until(lambda: server.get("/trainings/long")["logs"])
    server.request("POST", "/trainings/long/cancel")
    until(lambda: server.get("/trainings/long")["status"] == "canceled", server)
    assert server.stop() < 1


SAME = """
    import time

    class Runner:
        def run(self, seconds: float) -> str:
            time.sleep(seconds)
            return "predicted"

    def train(steps: int) -> str:
        return "trained"
    """


def test_a_prediction_and_a_training_of_the_same_id_go_side_by_side(serve: Servers) -> None:
    server = serve(SAME, train=True, COG_TRAIN_TYPE_STUB="predict.py:train", COG_QUEUE="2")
    for path, inputs in (("/predictions/same", {"seconds": 2}), ("/trainings/same", {"steps": 1})):
        assert server.request("PUT", path, {"input": inputs}, Prefer="respond-async").status == 202
    again = server.request("PUT", "/trainings/same", {"input": {"steps": 1}}).json()
    assert (again["input"], again["status"]) == ({"steps": 1}, "starting")
    assert server.request("POST", "/trainings/same/cancel").status == 200
    assert server.get("/predictions/same")["status"] == "processing"
    until(lambda: server.get("/predictions/same").get("output") == "predicted", server)
    assert server.get("/trainings/same")["status"] == "canceled"
    assert server.request("PUT", "/trainings/same", {"input": {"steps": 1}}).json()["output"] == "trained"
    assert server.request("PUT", "/predictions/same", {"input": {"seconds": 2}}).json()["output"] == "predicted"
