"""From frames of the worker to JSON for clients."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Mapping

from cog_runtime.server.codec import b64encode, dumps, loads
from cog_runtime.wire import FILE, Frame, Part, place

if TYPE_CHECKING:
    from cog_runtime.server.settings import Settings

Upload = Callable[[Part, str], Awaitable[str]]
"""Takes a file and its media type, and returns where it can be had."""

_DEFAULT_TYPE = "application/octet-stream"


def to_json(frame: Frame) -> bytes:
    """Return the payload with its parts in place, files as ``data:`` URLs; without parts it is not even looked at."""
    if not frame.parts:
        return frame.payload
    return _put(frame, {part.where: _value(part) for part in frame.parts})


async def to_json_uploaded(frame: Frame, upload: Upload) -> bytes:
    """Return the payload with its parts in place, files uploaded.

    Only files that are an output, or an item of a list of outputs, are uploaded, as upstream has it.

    Raises:
        OSError: An upload failed.
    """
    import asyncio  # noqa: PLC0415 - only where files are uploaded

    values = {}
    waiting = {}
    for part in frame.parts:
        if part.kind == FILE and (not part.where or (len(part.where) == 1 and type(part.where[0]) is int)):
            waiting[part.where] = asyncio.ensure_future(upload(part, media_type(part)))
        else:
            values[part.where] = _value(part)
    urls = await asyncio.gather(*waiting.values())
    return _put(frame, {**values, **dict(zip(waiting, urls))})


def items_of(array: bytes) -> list[bytes]:
    """Return the items of a JSON array, each as JSON."""
    return [dumps(each) for each in loads(array)]


def media_type(part: Part) -> str:
    """Return what the name of a file says it is."""
    return mimetypes.guess_type(part.name)[0] or _DEFAULT_TYPE


def _value(part: Part) -> str:
    if part.kind == FILE:
        return f"data:{media_type(part)};base64,{b64encode(part.data).decode('ascii')}"
    return part.data.decode("utf-8")


def _put(frame: Frame, values: Mapping[Any, str]) -> bytes:
    payload: Any = loads(frame.payload) if frame.payload else None
    for where, value in values.items():
        payload = place(payload, where, value)
    return dumps(payload)


def needs_upload(frame: Frame, settings: Settings) -> bool:
    """Return whether something in the frame has to be uploaded first."""
    return settings.upload_url is not None and any(part.kind == FILE for part in frame.parts)
