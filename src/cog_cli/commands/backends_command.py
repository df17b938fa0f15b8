"""``cog backends``."""

import json
import sys

from cog_cli import options
from cog_cli.namesakes import namesakes
from cog_cli.render.backends import backends_document, show_backends
from cog_cli.render.console import warn
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.errors import UnknownBackend
from cog_core.plugins import candidates


def command(*, as_json: options.AsJson = False) -> None:
    """Show what can build and run images here, what each one needs, and which one is taken."""
    settings = read_settings()
    plugins = images.tools(settings).plugins
    found = tuple(candidates(plugins, settings))
    others = namesakes(settings)
    if as_json:
        document = backends_document(found, plugins.failed, others, settings.backend)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        sys.stdout.write(show_backends(found, plugins.failed, settings.backend))
        for other in others:
            warn(other)
    if settings.backend and settings.backend not in plugins.backends:
        raise UnknownBackend(
            f"COG_BACKEND names {settings.backend!r}, and there is no such backend",
            hint=f"Known backends: {', '.join(plugins.backends)}.",
        )
