"""Uploads of one prediction: all at once, and yet what follows them happens in the order of the frames."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable

from cog_runtime.server.outputs import Upload, needs_upload, to_json, to_json_uploaded

if TYPE_CHECKING:
    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.settings import Settings
    from cog_runtime.server.tracing import Span
    from cog_runtime.wire import Frame, Part

Then = Callable[["Prediction", "Frame", bytes], None]
"""Takes a prediction, a frame about it, and its payload as JSON for clients."""
Failed = Callable[["Prediction", "Frame", str], None]
"""Takes a prediction, a frame about it, and why its files could not be uploaded."""


class Chains:
    """Frames that wait for uploads, by prediction.

    Args:
        settings: Whether files are uploaded at all.
        upload: Uploads a file.
        failed: Called instead of what should follow when an upload failed.
    """

    def __init__(self, settings: Settings, upload: Upload | None, failed: Failed) -> None:
        self._settings = settings
        self._upload = upload
        self._failed = failed
        self._last: dict[int, asyncio.Task[None]] = {}

    def waits(self, prediction: Prediction, frame: Frame) -> bool:
        """Return whether this frame has to wait: for its own files, or for those of an earlier one."""
        return prediction.number in self._last or (bool(frame.parts) and needs_upload(frame, self._settings))

    def add(self, prediction: Prediction, frame: Frame, then: Then) -> None:
        """Upload at once, and act when all earlier frames have been dealt with, unless it is over by then."""
        if prediction.is_over:
            return
        ready = asyncio.ensure_future(self._uploaded(prediction, frame))
        before = self._last.get(prediction.number)
        self._last[prediction.number] = asyncio.ensure_future(self._after(before, ready, prediction, frame, then))

    def forget(self, prediction: Prediction) -> None:
        """Forget a prediction that is over."""
        self._last.pop(prediction.number, None)

    async def _uploaded(self, prediction: Prediction, frame: Frame) -> bytes | OSError:
        if self._upload is None or not frame.parts:
            return to_json(frame)
        upload = self._upload if prediction.span is None else _traced(self._upload, prediction.span)
        try:
            return await to_json_uploaded(frame, upload)
        except OSError as problem:
            return problem

    async def _after(
        self,
        before: asyncio.Task[None] | None,
        ready: asyncio.Task[bytes | OSError],
        prediction: Prediction,
        frame: Frame,
        then: Then,
    ) -> None:
        if before is not None:
            await before
        output = await ready
        if prediction.is_over:
            return
        if isinstance(output, OSError):
            self._failed(prediction, frame, str(output))
        else:
            then(prediction, frame, output)


def _traced(upload: Upload, span: Span) -> Upload:
    async def traced(part: Part, media_type: str) -> str:
        call = span.child(
            "upload", "client", {"http.request.method": "PUT", "http.request.body.size": len(part.data)}
        )
        try:
            url = await upload(part, media_type)
        except OSError as problem:
            call.end(str(problem))
            raise
        call.end()
        return url

    return traced
