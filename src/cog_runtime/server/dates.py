"""The header ``Date`` (RFC 9110, section 6.6.1), which every answer carries."""

from __future__ import annotations

from email.utils import formatdate
from time import time

HEADER = b"date"


class _Clock:
    """The time as that header has it; the text is made once per second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def read(self) -> bytes:
        second = int(time())
        if second != self._second:
            self._second = second
            self._text = formatdate(second, usegmt=True).encode()
        return self._text


read_date = _Clock().read
"""Return the time now, such as ``Sun, 06 Nov 1994 08:49:37 GMT``."""
