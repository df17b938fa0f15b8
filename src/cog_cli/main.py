"""Where the program ``cog`` starts, and the one place where errors become text and exit codes.

Nothing of the library is imported before a command needs it: ``cog --help`` has to be quick.
"""

from __future__ import annotations

import functools
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

from cog_cli.streams import accept_all_letters, open_closed

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    open_closed()
    accept_all_letters()
    gc.set_threshold(50_000)  # what starting makes stays: looking through it for garbage would take 5 % of the time
    code = run(sys.argv[1:] if argv is None else list(argv))
    gc.freeze()  # all that is there ends with the process: looking through it once more would take 10 % of the time
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run the program and return its exit code (see :mod:`cog_core.errors`)."""
    interrupts = _Interrupts()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupts)
    try:
        from cog_cli.older_flags import plain  # noqa: PLC0415 - an interrupt while this loads must look the same
        from cog_cli.quick import quick  # noqa: PLC0415

        words = plain(argv)
        if (command := quick(words)) is None:
            from cog_cli.app import app  # noqa: PLC0415 - typer takes longer to load than a small build

            command = functools.partial(app, words, prog_name="cog", standalone_mode=False)
        result = command()
        sys.stdout.flush()  # while an error can still be told
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - what is not ours to explain is raised again
        code = _report(error)
        _leave_unwritten()
        return code
    # The parser catches an interrupt of a command and makes this status of it.
    return _interrupted() if result == INTERRUPTED else result if isinstance(result, int) else 0


class _Interrupts:
    """Turns the first signal into an exception; a second one would only disturb the cleaning up."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, *_: object) -> None:
        self._count += 1
        if self._count == 2:
            os.write(2, b"cleaning up; once more stops at once\n")
        else:
            raise KeyboardInterrupt


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return INTERRUPTED


def _leave_unwritten() -> None:
    """Let go of output that cannot be written, on a full disk: the interpreter would try again, and end with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> int:
    """Show an error of the user's without a traceback; everything else is a bug of ours and keeps its own."""
    from cog_cli.render.errors import explained, show_error  # noqa: PLC0415 - only needed when something failed
    from cog_cli.session import is_debug  # noqa: PLC0415

    known = explained(error)
    if known is not None:
        if is_debug():
            sys.excepthook(type(error), error, error.__traceback__)
        show_error(known)
        return known.exit_code
    show = getattr(error, "show", None)
    if callable(show):  # the argument parser explains itself
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        return _interrupted()
    raise error


if __name__ == "__main__":
    main()
