"""From the payload and the parts of a frame to the arguments of the model."""

from __future__ import annotations

import json
import os
import tempfile
from binascii import b2a_base64
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cog_runtime.wire import FILE, Frame, place

if TYPE_CHECKING:
    from cog_runtime.worker.signature import Converters


class InputFailed(Exception):
    """An input could not be had: a download failed, a data URL is damaged."""


class Blob:
    """The content of a ``data:`` URL that the server has decoded already."""

    def __init__(self, data: bytes, media_type: str) -> None:
        self.data = data
        self.media_type = media_type

    def url(self) -> str:
        """Return the URL again, for an argument that wants a string after all."""
        return f"data:{self.media_type};base64,{b2a_base64(self.data, newline=False).decode()}"

    def opened(self) -> BytesIO:
        """Return the content as an open file."""
        return BytesIO(self.data)

    def saved(self) -> Any:
        """Return the content as a temporary file; whoever calls removes it."""
        from cog._files import Path  # noqa: PLC0415 - for models with files only

        extension = _extension(self.media_type)
        descriptor, name = tempfile.mkstemp(prefix="cog-", suffix=f"-file{extension}")
        with os.fdopen(descriptor, "wb") as target:
            target.write(self.data)
        return Path(name)


class Arguments:
    """The arguments of one call, and the temporary files that live as long as it does."""

    def __init__(self, frame: Frame) -> None:
        self.values: dict[str, Any] = _payload(frame)
        self._files: list[Any] = []

    def convert(self, converters: Converters) -> None:
        """Turn texts and blobs into what the model's annotations say.

        Raises:
            InputFailed: Something could not be downloaded or decoded.
        """
        for name, value in self.values.items():
            convert = converters.get(name)
            if convert is not None:
                try:
                    self.values[name] = convert(value, self)
                except (OSError, ValueError) as error:
                    raise InputFailed(f"Input validation error: {name}: {error}") from error
            elif isinstance(value, (Blob, list)):
                self.values[name] = _as_text(value)
        remote = [file for file in self._files if hasattr(file, "convert")]
        if remote:
            _download(remote)
            self.values = {name: _local(value) for name, value in self.values.items()}

    def keep(self, file: Any) -> Any:
        """Return the file, which is removed after the call."""
        self._files.append(file)
        return file

    def remove_files(self) -> None:
        """Remove the temporary files."""
        for file in self._files:
            with suppress(OSError):
                file.unlink()
        self._files.clear()


def _payload(frame: Frame) -> dict[str, Any]:
    values = json.loads(frame.payload)
    for part in frame.parts:
        inner = Blob(part.data, part.name) if part.kind == FILE else part.data.decode("utf-8")
        values = place(values, part.where, inner)
    return dict(values)


def _download(remote: list[Any]) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for downloads only

    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="cog-download") as pool:
        running = [(file, pool.submit(file.convert)) for file in remote]
    for file, done in running:
        error = done.exception()
        if isinstance(error, (OSError, ValueError)):
            shown = str(file).partition("?")[0][:200]
            raise InputFailed(f"Input validation error: {shown}: {error}") from error
        if error is not None:
            raise error


def _local(value: Any) -> Any:
    if isinstance(value, list):
        return [_local(each) for each in value]
    return value.convert() if hasattr(value, "convert") else value


def _as_text(value: Any) -> Any:
    if isinstance(value, Blob):
        return value.url()
    return [each.url() if isinstance(each, Blob) else each for each in value]


def _extension(media_type: str) -> str:
    import mimetypes  # noqa: PLC0415 - reads the system's tables, which costs milliseconds

    return mimetypes.guess_extension(media_type.partition(";")[0]) or ""
