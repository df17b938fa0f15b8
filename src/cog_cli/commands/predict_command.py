"""``cog predict``, the older name of ``cog run``."""

import functools
from typing import Any

from cog_cli.commands import run_command
from cog_cli.render.console import warn


@functools.wraps(run_command.command)
def command(**given: Any) -> int:
    """Run one prediction; the same as ``cog run``."""
    warn('"cog predict" is deprecated, use "cog run"')
    return int(run_command.command(**given))
