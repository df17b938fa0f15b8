"""Inputs that nobody must see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import until

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

SOURCE = """
    from cog import Input, Secret

    class Runner:
        def run(self, key: Secret, spare: Secret = Input(default=None)) -> str:
            print("the key is", key, repr(key), spare)
            return str(len(key.get_secret_value()))
    """

CHECKED = """
    import time
    from typing import List, Optional
    from cog import BasePredictor, Input, Secret

    class Runner(BasePredictor):
        def predict(
            self,
            key: Secret = Input(default=None, min_length=20, regex="^[a-z0-9]+$"),
            keys: Optional[List[Secret]] = None,
            name: str = Input(default="", max_length=3),
        ) -> str:
            time.sleep(1)
            return key.get_secret_value()[::-1] + "".join(each.get_secret_value()[::-1] for each in keys or [])
    """


def test_a_secret_is_not_seen_in_logs_answers_and_webhooks(serve: Servers, receiver: Receiver) -> None:
    server = serve(SOURCE)
    body = {"input": {"key": "hunter2hunter2"}, "webhook": receiver.url()}
    reply = server.request("POST", "/predictions", body)
    assert reply.json()["output"] == "14"
    assert reply.json()["logs"] == "the key is ********** Secret(**********) None\n"
    receiver.wait_for_end()
    assert b"hunter2" not in reply.body
    assert not any(b"hunter2" in each.body for each in receiver.heard)
    assert "hunter2" not in server.log


def test_the_schema_marks_secrets(serve: Servers) -> None:
    described = serve(SOURCE).get("/openapi.json")["components"]["schemas"]["Input"]
    assert described["properties"]["key"]["x-cog-secret"] is True
    assert described["required"] == ["key"]


@pytest.fixture(scope="module")
def checked(keep: Servers) -> Server:
    return keep(CHECKED)


def test_an_input_that_is_shown_hides_its_secrets(checked: Server, receiver: Receiver) -> None:
    inputs = {"key": "hunter2hunter2hunter2", "keys": ["hunter3", ""], "name": "abc"}
    body = {"input": inputs, "webhook": receiver.url()}
    checked.request("PUT", "/predictions/s", body, Prefer="respond-async")
    reply = checked.request("PUT", "/predictions/s", body)
    assert reply.status == 202
    assert reply.json()["input"] == {"key": "**********", "keys": ["**********", ""], "name": "abc"}
    ended = until(lambda: (found := checked.request("GET", "/predictions/s?wait=10")).json().get("output") and found)
    # The model has had the real ones.
    assert ended.json()["output"] == "2retnuh2retnuh2retnuh3retnuh"
    receiver.wait_for_end()
    assert not any(b"hunter" in each.body for each in (reply, ended, *receiver.heard))


WRONG = [
    ({"key": "hunter2"}, ["key"], '"**********" is shorter than 20 characters'),
    ({"key": "Hunter is hunter is hunter"}, ["key"], '"**********" does not match "^[a-z0-9]+$"'),
    ({"key": 987654}, ["key"], '"**********" is not of type "string"'),
    ({"key": ["hunter"]}, ["key"], '"**********" is not of type "string"'),
    ({"keys": ["a", {"b": "hunter"}]}, ["keys/1"], '"**********" is not of type "string"'),
    ({"keys": {"b": "hunter"}}, ["keys"], '"**********" is not of type "array"'),
    (["hunter"], ["__root__"], '"**********" is not of type "object"'),
    ({"key": "hunter2", "name": "long"}, ["key", "name"], '"long" is longer than 3 characters'),
]


@pytest.mark.parametrize(("inputs", "where", "message"), WRONG)
def test_a_message_about_a_secret_does_not_show_it(
    checked: Server, inputs: object, where: list[str], message: str
) -> None:
    reply = checked.request("POST", "/predictions", {"input": inputs})
    assert reply.status == 422
    found = reply.json()["detail"]
    assert [each["loc"] for each in found] == [["body", "input", each] for each in where]
    assert found[-1]["msg"] == message
    assert not any(text in reply.body.lower() for text in (b"hunter", b"987654"))
