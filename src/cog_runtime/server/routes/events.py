"""Server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cog_runtime.server.codec import dumps
from cog_runtime.server.responses import send_json
from cog_runtime.server.stream import MOST_READERS, Stream

if TYPE_CHECKING:
    from starlette.types import Receive, Send

_KEEP_ALIVE = 15.0
EVENT_STREAM = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""Headers of an answer that is a stream of events."""


async def send_events(stream: Stream, receive: Receive, send: Send, *, first: bool) -> bool:
    """Send the events of a prediction until it is over.

    Args:
        stream: The events.
        receive: Tells when the client goes away.
        send: Where to.
        first: The client asked for the prediction, and did not join later.

    Returns:
        Whether the client heard all of it.
    """
    if stream.readers >= MOST_READERS:
        await send_json(send, 429, dumps({"error": "Too many stream subscribers"}))
        return True
    stream.readers += 1
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM)})
        reader = stream.subscribe(first=first)
        more = True
        while more and not gone.done():
            reading = asyncio.ensure_future(reader.read(_KEEP_ALIVE))
            await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                break
            data, more = reading.result()
            await send({"type": "http.response.body", "body": data or b": keep-alive\n\n", "more_body": more})
        return not more
    finally:
        stream.readers -= 1
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
