"""Files as texts: what older releases offered to models."""

from __future__ import annotations

import pathlib
from binascii import b2a_base64
from typing import Any, BinaryIO


def guess_filename(source: Any) -> str:
    """Return the name of an open file, or ``file`` when it has none."""
    name = getattr(source, "name", None)
    return pathlib.PurePath(name).name if isinstance(name, str) and name else "file"


def upload_file(source: BinaryIO, output_file_prefix: str | None = None) -> str:
    """Return an open file as a ``data:`` URL; uploading itself is the server's work.

    Args:
        source: Read from its start.
        output_file_prefix: Accepted for old callers; uploads are configured on the server.
    """
    import mimetypes  # noqa: PLC0415 - reads the system's tables, which costs milliseconds

    del output_file_prefix
    if source.seekable():
        source.seek(0)
    kind = mimetypes.guess_type(guess_filename(source))[0] or "application/octet-stream"
    return f"data:{kind};base64,{b2a_base64(source.read(), newline=False).decode()}"
