"""From the payload and the parts of a frame to the arguments of the model."""

from __future__ import annotations

import marshal
import os
import tempfile
import time
from binascii import b2a_base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cog_runtime.wire import FILE, MARSHAL, Frame, place
from cog_runtime.worker.channel import loads
from cog_runtime.worker.temporary import Folder

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

    def saved(self, folder: str) -> Any:
        """Return the content as a file in this folder."""
        from cog._files import Path  # noqa: PLC0415 - for models with files only

        extension = _extension(self.media_type)
        descriptor, name = tempfile.mkstemp(prefix="cog-", suffix=f"-file{extension}", dir=folder)
        with os.fdopen(descriptor, "wb") as target:
            target.write(self.data)
        return Path(name)


class Arguments:
    """The arguments of one call, and the temporary files that live as long as it does.

    Attributes:
        values: By name.
        downloads: When each download began and ended, in seconds since 1970, and what went wrong.
    """

    def __init__(self, frame: Frame) -> None:
        self.values: dict[str, Any] = _payload(frame)
        self._folder = Folder()
        self._remote: list[Any] = []
        self.downloads: list[dict[str, Any]] = []

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
        if self._remote:
            _download(self._remote, self._folder.path(), self.downloads)
            self.values = {name: _local(value) for name, value in self.values.items()}

    def taken(self) -> dict[str, Any]:
        """Return the values, and keep none of them."""
        values, self.values = self.values, {}
        return values

    def save(self, blob: Blob) -> Any:
        """Return the content as a file, which is removed after the call.

        Raises:
            OSError: It cannot be written.
        """
        return blob.saved(self._folder.path())

    def fetch(self, file: Any) -> Any:
        """Return a file behind a URL, which is downloaded before the call and removed after it."""
        if hasattr(file, "convert"):
            self._remote.append(file)
        return file

    def remove_files(self) -> None:
        """Remove the temporary files."""
        self._folder.remove()


def _payload(frame: Frame) -> dict[str, Any]:
    values = (marshal.loads if frame.header.get("encoding") == MARSHAL else loads)(frame.payload)
    for part in frame.parts:
        inner = Blob(part.data, part.name) if part.kind == FILE else part.data.decode("utf-8")
        values = place(values, part.where, inner)
    return dict(values)


def _download(remote: list[Any], folder: str, times: list[dict[str, Any]]) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for downloads only

    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="cog-download") as pool:
        running = [(file, pool.submit(_timed, file, folder, times)) for file in remote]
    for file, done in running:
        error = done.exception()
        if isinstance(error, (OSError, ValueError)):
            shown = str(file).partition("?")[0][:200]
            raise InputFailed(f"Input validation error: {shown}: {error}") from error
        if error is not None:
            raise error


def _timed(file: Any, folder: str, times: list[dict[str, Any]]) -> None:
    begin = time.time()
    error = None
    try:
        file.convert(folder)
    except BaseException as problem:
        error = str(problem)
        raise
    finally:
        times.append({"url": str(file), "begin": begin, "end": time.time(), "error": error})


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
