"""``cog inspect``."""

import sys
from pathlib import Path
from typing import Annotated

from cog_cli import options
from cog_cli.building import name_of
from cog_cli.declared import Argument
from cog_cli.render.image import image_json, show_image
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.layouts import is_layout
from cog_core.predictions import is_directory
from cog_core.project import open_project


def command(
    *,
    target: Annotated[
        str,
        Argument(
            metavar="IMAGE|DIR",
            show_default=False,
            help="An image, an OCI layout, or a project's folder; by default this one.",
        ),
    ] = ".",
    backend: options.Backend = None,
    as_json: options.AsJson = False,
) -> None:
    """Show an image's labels, its layers with their sizes, and what its model takes and returns."""
    settings = read_settings()
    reference = target
    if is_directory(target) and not is_layout(Path(target)):
        reference = name_of(open_project(Path(target)))
    info = images.inspect(reference, backend=backend, settings=settings)
    sys.stdout.write(image_json(info) if as_json else show_image(info))
