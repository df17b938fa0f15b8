"""``cog schema``."""

import sys

from cog_cli import options
from cog_cli.building import check_has_model
from cog_cli.render.progress import show_remark
from cog_cli.render.schema import show_schema
from cog_cli.session import settings as read_settings
from cog_core.predictions import open_model
from cog_core.schema import dumps


def command(
    *,
    target: options.Target = ".",
    file: options.File = None,
    backend: options.Backend = None,
    strict: options.Strict = False,
    as_json: options.AsJson = False,
) -> None:
    """Show the inputs and the output of a model; its code is not run."""
    model = open_model(
        target, file=file, backend=backend, strict=strict, on_event=show_remark, settings=read_settings()
    )
    if model.project is not None:
        check_has_model(model.project)
    sys.stdout.write(f"{dumps(model.schema)}\n" if as_json else show_schema(model.schema))
