"""Reading what a URL means: ``data:`` in memory, ``http:`` and ``https:`` from the network."""

from __future__ import annotations

import os
from io import BytesIO
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from cog._version import __version__

SCHEMES = ("data", "http", "https")


def scheme_of(text: str) -> str:
    """Return the part before the first colon, in lower case; empty when there is none."""
    head, colon, _ = text.partition(":")
    return head.lower() if colon else ""


def open_url(url: str) -> BinaryIO:
    """Open a URL for reading.

    Raises:
        ValueError: The scheme is none of data, http and https, or a data URL is damaged.
        OSError: The server is out of reach, refuses (``urllib.error.HTTPError``), or must not be asked.
    """
    scheme = scheme_of(url)
    if scheme == "data":
        return BytesIO(read_data_url(url))
    if scheme not in SCHEMES:
        raise ValueError(f"{scheme!r} is not a valid URL scheme. 'data', 'http', or 'https' is supported.")
    from cog._remote import open_remote  # noqa: PLC0415 - half of the start-up time of a small model

    return open_remote(url, os.environ.get("COG_USER_AGENT") or f"cog-runtime/{__version__}")


def read_data_url(url: str) -> bytes:
    """Return the bytes of a data URL (RFC 2397).

    Raises:
        ValueError: There is no comma, or the base64 is damaged.
    """
    head, comma, payload = url.partition(",")
    if not comma:
        raise ValueError("a data URL needs a comma before its data")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(payload)
    from binascii import a2b_base64  # noqa: PLC0415 - for data URLs only

    text = unquote_to_bytes(payload) if "%" in payload else payload.encode()
    digits = text.translate(None, b" \t\r\n\f=")
    data = a2b_base64(text)
    if len(data) != len(digits) * 3 // 4:
        raise ValueError("a data URL has something in it that is no base64")
    return data
