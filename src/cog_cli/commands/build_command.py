"""``cog build``."""

from typing import Annotated

import attrs

from cog_cli import options
from cog_cli.building import BuildFlags, build_image, load_image, model_project, name_of
from cog_cli.declared import Option
from cog_cli.older_flags import accepting
from cog_cli.outputs import parse_output
from cog_cli.render.progress import mode_of
from cog_cli.session import settings as read_settings
from cog_core.backend import ToRegistry


@accepting(
    "use_cog_base_image", "use_cuda_base_image", "separate_weights", "strip", "precompile", "skip_schema_validation"
)
def command(
    *,
    tag: Annotated[
        str | None, Option("-t", "--tag", metavar="NAME", help="Name of the image, NAME or NAME:TAG.")
    ] = None,
    file: options.File = None,
    backend: options.Backend = None,
    platform: options.Platform = None,
    base_image: options.BaseImage = None,
    output: Annotated[
        list[str] | None,
        Option(
            "--output",
            metavar="DEST",
            help="Also put it there: oci:DIR, docker-archive:FILE or registry:REF. Without --tag, only there.",
        ),
    ] = None,
    push: Annotated[bool, Option("--push", help="Also push it to a registry, under its name.")] = False,
    load: Annotated[bool, Option("--load", help="Also load it into the Docker or podman of this machine.")] = False,
    update: options.Update = False,
    no_cache: options.NoCache = False,
    pull: options.Pull = False,
    cache_from: options.CacheFrom = None,
    cache_to: options.CacheTo = None,
    progress: options.Progress = None,
    openapi_schema: options.OpenApiSchema = None,
    secret: options.Secret = None,
    ssh: options.Ssh = None,
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
        pull=pull,
        cache_from=tuple(cache_from or ()),
        cache_to=tuple(cache_to or ()),
        secret=tuple(secret or ()),
        ssh=tuple(ssh or ()),
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
    name = tag or (None if outputs and not (load or push) else name_of(project))
    if push and name:
        outputs += (ToRegistry(name),)
    result = build_image(project, flags, settings, name=name, outputs=outputs)
    if load and name:
        load_image(result, name, settings, flags.mode)
