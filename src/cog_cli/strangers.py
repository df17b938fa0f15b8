"""Commands that plugins add: looked for when a word is none of ours, so that they cost nothing otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cog_cli.render.console import say
from cog_cli.render.progress import show_remark
from cog_cli.session import settings
from cog_core import images
from cog_core.errors import CogError, PluginError
from cog_core.plugins.calls import commands

if TYPE_CHECKING:
    from collections.abc import Collection

    from cog_core.plugins.calls import AddedCommand


def find(word: str, ours: Collection[str]) -> tuple[Any, list[str]]:
    """Return the command of a plugin in the parser's words, or None, and the names of all that plugins add.

    Plugins that do not work are told of when there is no such command: one of them may have had it.

    Args:
        word: What was written in a command's place.
        ours: Names that never are a plugin's.
    """
    plugins = images.tools(settings(), show_remark).plugins
    found, failed = commands(plugins, ours)
    if word in found:
        return _parsed(found[word]), list(found)
    for plugin in (*plugins.failed, *failed):
        if not plugin.is_off:
            say(f"note: {plugins.complaint(plugin)}", "note")
    return None, list(found)


def _parsed(added: AddedCommand) -> Any:
    """Let the plugin read all words itself, ``--help`` among them."""

    def run(context: typer.Context) -> int | None:
        try:
            return added.command.run(context.args)
        except (CogError, BrokenPipeError):
            raise
        except Exception as error:
            name, owner = added.command.name, added.plugin.distribution
            raise PluginError(
                f"the command {name} of {owner} failed: {type(error).__name__}: {error}",
                hint="`cog --debug` shows where; tell those who made it.",
            ) from error

    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    every = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
    single.command(name=added.command.name, add_help_option=False, context_settings=every)(run)
    return typer.main.get_command(single)
