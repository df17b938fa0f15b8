"""How strangers take part: hook specifications, loading, and the choice of a backend."""

from cog_core.plugins.commands import CliCommand
from cog_core.plugins.hooks import hookimpl, hookspec
from cog_core.plugins.manager import FailedPlugin, LoadedPlugin, Plugins, load
from cog_core.plugins.select import Candidate, Choice, begin_to_choose, candidates, choose

__all__ = [
    "Candidate",
    "Choice",
    "CliCommand",
    "FailedPlugin",
    "LoadedPlugin",
    "Plugins",
    "begin_to_choose",
    "candidates",
    "choose",
    "hookimpl",
    "hookspec",
    "load",
]
