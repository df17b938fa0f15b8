"""``cog config``."""

import json
import sys
from pathlib import Path

import yaml

from cog_cli import options
from cog_cli.render.progress import show_remark
from cog_cli.session import settings as read_settings
from cog_core.draft import read_models
from cog_core.events import Noted, Warned
from cog_core.project import open_project
from cog_core.resolve import resolve
from cog_core.values import Platform


def command(*, file: options.File = None, strict: options.Strict = False, as_json: options.AsJson = False) -> None:
    """Show the configuration with everything filled in; with --json as an image's label holds it."""
    read_settings()
    project = open_project(Path(), file=file, strict=strict)
    models = read_models(project)
    facts = project.facts(
        platform=Platform.of_this_machine(),
        concurrency=models[0].concurrency if models else None,
        is_async=models[0].is_async if models else None,
        batch=models[0].batch if models else None,
    )
    resolved = resolve(project.loaded, facts)
    for problem in (*project.loaded.warnings, *resolved.warnings):
        show_remark(Warned(message=problem.message, origin=problem.origin, hint=problem.hint))
    for note in (*project.loaded.notes, *resolved.notes):
        show_remark(Noted(message=note.message, origin=note.origin))
    text = resolved.config.to_json()
    if as_json:
        sys.stdout.write(f"{text}\n")
    else:
        runner = "predict" if project.loaded.origin("predict").key == "predict" else "run"
        document = {runner if key == "predict" else key: value for key, value in json.loads(text).items()}
        sys.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
