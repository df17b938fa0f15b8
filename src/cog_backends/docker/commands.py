"""Command lines for BuildKit builds, as pure functions of what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_backends.docker.rungs import Rung, RungKind
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cog_core.caches import Cache


@attrs.frozen(kw_only=True)
class BuildOptions(Frozen):
    """Everything that goes on the command line of one build.

    Attributes:
        dockerfile: Its ``.dockerignore`` lies beside it.
        context: The author's project.
        image_id_file: Where the builder writes the image id.
        metadata_file: Where buildx writes digests.
        platform: None for the engine's own.
        contexts: Folders by name; only for builders that know named contexts.
        secrets: Files by secret id.
        ssh: Sockets of SSH agents by id.
        proxies: Proxy variables; BuildKit keeps them out of image and cache.
        labels: Labels that stand in no Dockerfile.
        builder: A buildx builder by name; None leaves the choice to the user's configuration.
        cache_from: Only for buildx.
        cache_to: Only for buildx.
    """

    dockerfile: Path
    context: Path
    image_id_file: Path
    metadata_file: Path
    platform: str | None = None
    tags: tuple[str, ...] = ()
    contexts: Mapping[str, Path] = attrs.field(factory=dict)
    secrets: Mapping[str, Path] = attrs.field(factory=dict)
    ssh: Mapping[str, Path] = attrs.field(factory=dict)
    proxies: Mapping[str, str] = attrs.field(factory=dict)
    labels: tuple[tuple[str, str], ...] = ()
    builder: str | None = None
    epoch: int | None = None
    no_cache: bool = False
    pull: bool = False
    cache_from: tuple[Cache, ...] = ()
    cache_to: tuple[Cache, ...] = ()


def build_argv(rung: Rung, options: BuildOptions) -> tuple[str, ...]:
    """Return the command line of a build on one of the two BuildKit rungs."""
    buildx = rung.kind is RungKind.BUILDX
    argv = [rung.program, *(["buildx"] if buildx else []), "build"]
    if buildx:
        argv += ["--builder", options.builder] if options.builder else []
        argv += ["--load", "--metadata-file", str(options.metadata_file)]
    argv += ["--platform", options.platform] if options.platform else []
    argv += ["--progress", "rawjson" if rung.rawjson else "plain"]
    argv += ["--iidfile", str(options.image_id_file), "--file", str(options.dockerfile)]
    argv += [word for tag in options.tags for word in ("--tag", tag)]
    argv += [word for name, path in options.contexts.items() for word in ("--build-context", f"{name}={path}")]
    argv += [word for name, path in options.secrets.items() for word in ("--secret", f"id={name},src={path}")]
    argv += [word for name, path in options.ssh.items() for word in ("--ssh", f"{name}={path}")]
    argv += [word for name in sorted(options.proxies) for word in ("--build-arg", name)]
    argv += [word for name, value in options.labels for word in ("--label", f"{name}={value}")]
    argv += ["--build-arg", f"SOURCE_DATE_EPOCH={options.epoch}"] if options.epoch is not None else []
    argv += [word for cache in options.cache_from for word in ("--cache-from", str(cache))]
    argv += [word for cache in options.cache_to for word in ("--cache-to", str(cache))]
    argv += ["--no-cache"] if options.no_cache else []
    argv += ["--pull"] if options.pull else []
    return (*argv, str(options.context))


def build_environment(environ: Mapping[str, str], options: BuildOptions) -> dict[str, str]:
    """Return the environment for :func:`build_argv`.

    Proxies go by name on the command line and by value here, so that no process list shows their passwords.
    Attestations are off: they would make two builds of one image differ.
    """
    return {
        **environ,
        **options.proxies,
        "DOCKER_BUILDKIT": "1",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "BUILDKIT_COLORS": "",
    }
