"""``cog push``."""

from typing import Annotated

from cog_cli import options
from cog_cli.building import BuildFlags, build_image, model_project
from cog_cli.declared import Argument
from cog_cli.older_flags import accepting
from cog_cli.render.progress import mode_of, showing, tell
from cog_cli.session import settings as read_settings
from cog_core import images
from cog_core.errors import UsageError

_NO_TARGET = (
    "To push images, you must either set the 'image' option in cog.yaml or pass an image name as an argument. "
    "For example, 'cog push registry.example.com/your-username/model-name'"
)


@accepting("use_cog_base_image", "use_cuda_base_image", "separate_weights", "strip", "precompile")
def command(
    *,
    image: Annotated[str | None, Argument(metavar="IMAGE", help="Where to; by default `image` of cog.yaml.")] = None,
    file: options.File = None,
    backend: options.Backend = None,
    platform: options.Platform = None,
    base_image: options.BaseImage = None,
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
    dockerfile: options.Dockerfile = None,
) -> None:
    """Build an image from cog.yaml and push it to a registry."""
    settings = read_settings()
    mode = mode_of(progress, settings)
    flags = BuildFlags(
        file=file,
        mode=mode,
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
    project = model_project(file, strict=strict)
    target = image or project.config.image
    if not target:
        raise UsageError(_NO_TARGET)
    result = build_image(project, flags, settings, name=target)
    tell(mode, f"\nPushing to {target}...")
    with showing(mode) as emit:
        digest = images.push(target, backend=result.backend, on_event=emit, settings=settings)
    tell(mode, f"  image  {_pinned(target, digest)}")


def _pinned(reference: str, digest: str) -> str:
    """Return the reference with its digest instead of its tag."""
    path, _, last = reference.rpartition("/")
    name = last.partition("@")[0].partition(":")[0]
    return f"{path}/{name}@{digest}" if path else f"{name}@{digest}"
