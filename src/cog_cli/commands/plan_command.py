"""``cog plan``."""

import sys
from pathlib import Path

from cog_cli import options
from cog_cli.render.plan import show_plan
from cog_cli.render.progress import show_remark
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.errors import BackendError
from cog_core.ir import to_json
from cog_core.plugins import choose
from cog_core.project import open_project


def command(
    *,
    file: options.File = None,
    backend: options.Backend = None,
    platform: options.Platform = None,
    base_image: options.BaseImage = None,
    strict: options.Strict = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what would be built, and why; nothing is built."""
    settings = read_settings()
    plan = images.plan(
        Path(),
        file=file,
        platform=platform,
        base=base_image,
        strict=strict,
        on_event=show_remark,
        settings=settings,
    )
    if as_json:
        sys.stdout.write(to_json(plan, indent=2) + "\n")
        return
    try:
        named = open_project(Path(), file=file).config.backend
        builder = choose(
            images.tools(settings, show_remark).plugins, settings, plan, asked=backend, project=named
        ).reason
    except BackendError as error:
        builder = f"nobody here: {error.message}"
    sys.stdout.write(show_plan(plan, builder))
