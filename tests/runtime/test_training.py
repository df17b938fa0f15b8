"""Models that can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    assert server.request("GET", "/predictions/same").status == 404
