"""``cog plugins``."""

import json
import sys

from cog_cli import options
from cog_cli.render.console import warn
from cog_cli.render.plugins import plugins_document, show_plugins
from cog_cli.render.progress import show_remark
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.plugins.calls import commands


def command(*, as_json: options.AsJson = False) -> None:
    """Show which plugins are loaded, from which distribution, what they add, in which order, and what is wrong."""
    from cog_cli.app import COMMANDS  # noqa: PLC0415 - it loads the parser, which other commands do without

    plugins = images.tools(read_settings(), show_remark).plugins
    added, failed = commands(plugins, COMMANDS)
    if as_json:
        sys.stdout.write(json.dumps(plugins_document(plugins, added, failed), indent=2) + "\n")
    else:
        sys.stdout.write(show_plugins(plugins, added, failed))
    for problem in plugins.warnings:
        warn(problem.message)
