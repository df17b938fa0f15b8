"""``cog build``."""

from typing import Annotated

import attrs
import typer

from cog_cli import options
from cog_cli.building import BuildFlags, build_image, load_image, model_project, name_of
from cog_cli.older_flags import accepting
from cog_cli.outputs import parse_output
from cog_cli.render.progress import mode_of
from cog_cli.session import settings as read_settings


@accepting(
    "use_cog_base_image", "use_cuda_base_image", "separate_weights", "strip", "precompile", "skip_schema_validation"
)
def command(
    *,
    tag: Annotated[
        str | None, typer.Option("-t", "--tag", metavar="NAME", help="Name of the image, NAME or NAME:TAG.")
    ] = None,
    file: options.File = None,
    backend: options.Backend = None,
    platform: options.Platform = None,
    base_image: options.BaseImage = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            metavar="DEST",
            help="Also put it there: oci:DIR, docker-archive:FILE or registry:REF. Without --tag, only there.",
        ),
    ] = None,
    load: Annotated[
        bool, typer.Option("--load", help="Also load it into the Docker or podman of this machine.")
    ] = False,
    update: options.Update = False,
    no_cache: options.NoCache = False,
    progress: options.Progress = None,
    openapi_schema: options.OpenApiSchema = None,
    secret: options.Secret = None,
    strict: options.Strict = False,
    git_labels: options.GitLabels = False,
    timestamp: options.Timestamp = None,
    dockerfile: options.Dockerfile = None,
) -> None:
    """Build an image from cog.yaml."""
    settings = read_settings()
    if timestamp is not None and timestamp >= 0:
        settings = attrs.evolve(settings, source_date_epoch=timestamp)
    flags = BuildFlags(
        file=file,
        mode=mode_of(progress, settings),
        no_cache=no_cache,
        secret=tuple(secret or ()),
        openapi_schema=openapi_schema,
        backend=backend,
        platform=platform,
        base_image=base_image,
        strict=strict,
        update=update,
        git_labels=git_labels,
        dockerfile=dockerfile,
    )
    outputs = tuple(map(parse_output, output or ()))
    project = model_project(file, strict=strict)
    name = tag or (None if outputs and not load else name_of(project))
    result = build_image(project, flags, settings, name=name, outputs=outputs)
    if load and name:
        load_image(result, name, settings, flags.mode)
