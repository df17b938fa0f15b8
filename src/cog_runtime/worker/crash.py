"""The end of a worker that cannot go on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from cog_runtime.worker import stdio


def crash(error: BaseException) -> NoReturn:
    """Print an exception and end the process, at once.

    The server kills what is left of a worker as soon as its sockets close; this way it learns how the worker ended.
    """
    with suppress(Exception):
        import traceback  # noqa: PLC0415 - hardly ever needed

        sys.stderr.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    stdio.flush()
    status = error.code if isinstance(error, SystemExit) else 1
    os._exit(status & 0xFF if isinstance(status, int) else 1)
