"""Inputs that nobody must see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Servers

SOURCE = """
    from cog import Input, Secret

    class Runner:
        def run(self, key: Secret, spare: Secret = Input(default=None)) -> str:
            print("the key is", key, repr(key), spare)
            return str(len(key.get_secret_value()))
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
