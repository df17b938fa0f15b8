"""Where the program ``cog`` starts, and the one place where errors become text and exit codes.

Nothing of the library is imported before a command needs it: ``cog --help`` has to be quick.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if argv is None else list(argv)))


def run(argv: list[str]) -> int:
    """Run the program and return its exit code (see :mod:`cog_core.errors`)."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from cog_cli.app import app  # noqa: PLC0415 - an interrupt while this loads must look the same

        result = app(argv, prog_name="cog", standalone_mode=False)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - what is not ours to explain is raised again
        return _report(error)
    return result if isinstance(result, int) else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _report(error: Exception) -> int:
    """Show an error of the user's without a traceback; everything else is a bug of ours and keeps its own."""
    from cog_cli.render.errors import show_error  # noqa: PLC0415 - only needed when something failed
    from cog_core.errors import CogError  # noqa: PLC0415
    from cog_core.settings import Settings  # noqa: PLC0415

    if isinstance(error, CogError):
        if Settings.from_environ().debug:
            raise error
        show_error(error)
        return error.exit_code
    show = getattr(error, "show", None)
    if callable(show):  # the argument parser explains itself
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    raise error
