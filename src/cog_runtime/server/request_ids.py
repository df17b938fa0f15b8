"""Names of requests: the client's own, or ours."""

from __future__ import annotations

import os
import re
from itertools import count

HEADER = b"x-request-id"
"""Carries the name, in requests, answers and webhooks."""

_is_fit = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}").fullmatch
_start = os.urandom(8).hex().encode()
_numbers = count(1)


def request_id(given: bytes | None) -> bytes:
    """Return the name that the client gave, or a new one when it gave none that is fit to be shown and passed on.

    Ours are a random start, one for each server, and a number: a random name each time would be a system call.
    """
    if given is not None and _is_fit(given):
        return given
    return b"%s-%08x" % (_start, next(_numbers))
