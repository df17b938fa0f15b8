"""Standard streams as the caller left them: closed (``cog ... >&-``), or in a locale that lacks letters."""

from __future__ import annotations

import io
import os
import sys


def open_closed() -> None:
    """Open each closed standard stream on the null device.

    Else the next file or pipe that is opened would get its number, and take what is meant for the stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # what Python makes of a closed descriptor
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, so the missing one
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no name
            stream = open(descriptor, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays
            setattr(sys, name, stream)


def accept_all_letters() -> None:
    """Write what the locale of standard output has no letter for as an escape, which standard error always does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
