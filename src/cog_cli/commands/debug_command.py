"""``cog debug``."""

import sys
from pathlib import Path
from typing import Annotated

import attrs

from cog_cli import options
from cog_cli.by_hand import dockerfile_of, write_folder
from cog_cli.declared import Option
from cog_cli.documents import given_schema
from cog_cli.older_flags import accepting
from cog_cli.render.console import say
from cog_cli.render.progress import show_remark
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.draft import Wishes, draft
from cog_core.project import open_project
from cog_core.values import Platform


@accepting("use_cog_base_image", "use_cuda_base_image", "separate_weights")
def command(
    *,
    output: Annotated[
        str | None,
        Option("--output", metavar="DIR", help="Write Dockerfile, contexts and the command that builds them there."),
    ] = None,
    image_name: Annotated[
        str | None, Option("--image-name", metavar="NAME", help="Name of the image in that command.")
    ] = None,
    dialect: Annotated[
        str,
        Option("--dialect", metavar="NAME", help="For which builder: modern (Docker 23), early (20.10) or classic."),
    ] = "modern",
    file: options.File = None,
    platform: options.Platform = None,
    base_image: options.BaseImage = None,
    openapi_schema: options.OpenApiSchema = None,
    strict: options.Strict = False,
    timestamp: options.Timestamp = None,
) -> None:
    """Print the Dockerfile that would be built; no engine is needed."""
    settings = read_settings()
    if timestamp is not None and timestamp >= 0:
        settings = attrs.evolve(settings, source_date_epoch=timestamp)
    kit = images.tools(settings, show_remark)
    project = open_project(Path(), file=file, strict=strict)
    wishes = Wishes(
        platform=Platform.parse(platform) if platform else Platform.of_this_machine(),
        base=base_image,
        schema=given_schema(openapi_schema, settings),
    )
    drafted = draft(project, wishes, kit, show_remark)
    dockerfile = dockerfile_of(drafted, dialect)
    sys.stdout.write(dockerfile.text)
    if output is None:
        for label, _ in dockerfile.labels:
            say(f"note: the label {label} holds line breaks and stands in no Dockerfile; see --output", "note")
    else:
        folder = Path(output).expanduser().resolve()
        name = image_name or drafted.resolved.image
        script = write_folder(folder, drafted, dockerfile, kit, name=name, dialect=dialect)
        say(f"Written to {folder}; build it with {folder / script.name}, which says:")
        say(script.text)
