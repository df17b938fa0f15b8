"""``cog backends``."""

import json
import sys
from pathlib import Path

from cog_cli import options
from cog_cli.namesakes import namesakes
from cog_cli.render.backends import Survey, backends_document, show_backends
from cog_cli.render.console import warn
from cog_cli.render.progress import show_remark
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.errors import CogError, ConfigNotFound, UnknownBackend
from cog_core.plugins import candidates
from cog_core.project import open_project
from cog_core.settings import Settings


def command(*, file: options.File = None, as_json: options.AsJson = False) -> None:
    """Show what can build and run images here, what each one needs, and which one is taken.

    In a project: what each one lacks for its plan, too.
    """
    settings = read_settings()
    survey = _survey(settings, file)
    others = namesakes(settings)
    if as_json:
        sys.stdout.write(json.dumps(backends_document(survey, others), indent=2) + "\n")
    else:
        sys.stdout.write(show_backends(survey))
        for other in others:
            warn(other)
    for warning in survey.warnings:
        warn(warning)
    known = [candidate.info.name for candidate in survey.found]
    if survey.asked and survey.asked not in known:
        raise UnknownBackend(
            f"{survey.who_asks} names {survey.asked!r}, and there is no such backend",
            hint=f"Known backends: {', '.join(sorted(known))}.",
        )


def _survey(settings: Settings, file: str | None) -> Survey:
    """Look at the backends, and at the project around the current folder if there is one."""
    plugins = images.tools(settings, show_remark).plugins
    plan, problem, named = None, None, None
    try:
        named = open_project(Path(), file=file).config.backend
        plan = images.plan(Path(), file=file, settings=settings)
    except ConfigNotFound:
        pass
    except CogError as error:
        problem = error.message
    return Survey(
        found=tuple(candidates(plugins, settings, plan)),
        failed=tuple(plugin for plugin in plugins.failed if not plugin.is_off),
        off=tuple(plugin for plugin in plugins.failed if plugin.is_off),
        warnings=tuple(problem.message for problem in plugins.warnings),
        asked=settings.backend or named,
        who_asks="COG_BACKEND" if settings.backend else "cog.yaml",
        has_plan=plan is not None,
        problem=problem,
    )
