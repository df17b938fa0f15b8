"""Names for files that come from the network."""

from __future__ import annotations

from urllib.parse import unquote, urlparse

LONGEST = 200
"""Bytes of a name, so that a random prefix still fits in the 255 that file systems allow."""


def get_filename(url: str) -> str:
    """Return a safe name for what is behind a URL, with its extension kept.

    ``data:`` URLs become ``file`` and the usual extension of their media type.
    """
    if url.startswith("data:"):
        return "file" + _extension(url)
    name = unquote(urlparse(url).path.rpartition("/")[2])
    return shorten(name.replace("/", "_").replace("\0", "_"))


def shorten(name: str) -> str:
    """Return a name of at most 200 bytes: what is cut away before the extension is replaced by ``~``."""
    if len(name.encode("utf-8", "replace")) <= LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = f"~{dot}{extension}" if dot and len(extension.encode("utf-8", "replace")) < LONGEST // 2 else "~"
    stem = stem if tail != "~" else name
    room = LONGEST - len(tail.encode("utf-8", "replace"))
    return stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + tail


def _extension(data_url: str) -> str:
    import mimetypes  # noqa: PLC0415 - reads the system's tables, which costs milliseconds

    media_type = data_url[len("data:") :].partition(",")[0].partition(";")[0]
    return mimetypes.guess_extension(media_type) or ""
