"""An error as text: the fact, the place, the last lines of what failed, and what to do next."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from cog_cli.render.console import say, styled
from cog_core.errors import BackendError, BuildFailed, CogError, PredictionError, RegistryError

if TYPE_CHECKING:
    from cog_core.errors import Problem

_LOG_LINES = 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


def explained(error: Exception) -> CogError | None:
    """Return an error of the user's, of the machine's or of a registry's as ours; None for a bug."""
    if isinstance(error, CogError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" for {error.filename}" if error.filename else ""
        return BackendError(
            f"no space left on the disk{where}", hint="Free some space; COG_CACHE_DIR and TMPDIR name other disks."
        )
    if isinstance(error, OSError) and error.filename is not None:
        return BackendError(f"{error.filename}: {error.strerror}")
    from cog_oci.errors import OciError  # noqa: PLC0415 - only needed when something failed

    return RegistryError(error.message, hint=error.hint) if isinstance(error, OciError) else None


def show_error(error: CogError) -> None:
    """Print an error on standard error."""
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    if len(problems) > 1:
        say(f"{styled('error:', 'error')} {len(problems)} problems")
        for problem in problems:
            say(f"  {problem}")
            if problem.hint:
                say(f"    {problem.hint}", "hint")
        return
    say(f"{styled('error:', 'error')} {error.message}")
    if error.origin and not problems:
        say(f"  at {error.origin}")
    for line in _details(error):
        say(f"  | {line}", "note")
    if error.hint:
        say(f"  {error.hint}", "hint")


def _details(error: CogError) -> tuple[str, ...]:
    if isinstance(error, BuildFailed):
        return error.output[-_LOG_LINES:]
    if isinstance(error, PredictionError):
        return tuple(error.logs.splitlines()[-_LOG_LINES:])
    return ()
