"""The models that are kept busy, and what is asked of them."""

from __future__ import annotations

import base64
import json
from typing import Final

import attrs

_FILE = "data:application/octet-stream;base64," + base64.b64encode(bytes(range(256)) * 1024).decode()
_JSON = ("Content-Type", "application/json")

BLOCKING: Final = """
    import time
    from typing import Optional
    from cog import Path, current_scope

    class Runner:
        def run(
            self, text: str = "", file: Optional[Path] = None, wrong: bool = False, seconds: float = 0
        ) -> str:
            print("asked for", text)
            current_scope().record_metric("size", len(text))
            if wrong:
                raise ValueError("as you wish")
            time.sleep(seconds)
            return str(len(file.read_bytes())) if file is not None else text
    """
ASYNC: Final = """
    import asyncio
    from typing import AsyncIterator, Optional
    import cog
    from cog import Path, concurrent

    class Runner:
        @cog.streaming
        @concurrent(max=16)
        async def run(
            self, text: str = "", file: Optional[Path] = None, wrong: bool = False, seconds: float = 0
        ) -> AsyncIterator[str]:
            print("asked for", text)
            if wrong:
                raise ValueError("as you wish")
            for number in range(5):
                await asyncio.sleep(seconds / 5)
                yield text if file is None else str(len(file.read_bytes()))
    """


@attrs.frozen
class Ask:
    """One kind of request.

    Attributes:
        method: Of HTTP.
        path: What is asked for.
        body: What is sent.
        headers: Sent too.
        statuses: Answers that are as they should be.
        weight: How often it is made, compared with others.
        leaves: The client goes away before the answer.
    """

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    statuses: tuple[int, ...] = (200,)
    weight: int = 1
    leaves: bool = False


def asks(webhook: str, *, streaming: bool) -> list[Ask]:
    """Return what is asked of a model.

    Args:
        webhook: A receiver.
        streaming: The model streams.
    """

    def predict(
        *headers: tuple[str, str],
        statuses: tuple[int, ...] = (200,),
        weight: int = 1,
        leaves: bool = False,
        **body: object,
    ) -> Ask:
        text = json.dumps(body).encode()
        return Ask("POST", "/predictions", text, (_JSON, *headers), statuses, weight, leaves)

    events = ("Accept", "text/event-stream")
    return [
        predict(input={"text": "hello"}, weight=20),
        predict(input={"text": "x" * 50_000}, weight=2),
        predict(input={"file": _FILE}, weight=3),
        predict(input={"wrong": True}, weight=2),
        predict(input={"text": 5}, statuses=(422,), weight=2),
        predict(("Prefer", "respond-async"), input={"text": "hook"}, webhook=webhook, statuses=(202,), weight=3),
        predict(input={"text": "away", "seconds": 5}, leaves=True),
        predict(input={"text": "late", "seconds": 5}, timeout=0.05),
        *([predict(events, input={"text": "event"}, weight=4)] if streaming else []),
        Ask("POST", "/predictions", b'{"input":', (_JSON,), (400,)),
        Ask("GET", "/health-check", weight=2),
        Ask("GET", "/metrics"),
        Ask("GET", "/predictions"),
        Ask("GET", "/no/such/route", statuses=(404,)),
    ]
