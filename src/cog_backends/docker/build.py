"""One build: stage the contexts, call the builder on the chosen rung, tell what happens, leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.docker import stage
from cog_backends.docker.commands import BuildOptions, build_argv, build_environment
from cog_backends.docker.progress import Classic, Plain
from cog_backends.docker.rungs import RungKind
from cog_core.buildkit_progress import RawJson, Steps
from cog_core.caches import secrets_of
from cog_core.context import tar_stream
from cog_core.engine_advice import registry_advice
from cog_core.errors import BackendError, BuildFailed, UnsupportedPlan
from cog_core.ir.dockerfile import FILES, render
from cog_core.ir.steps import PROJECT
from cog_core.plain_names import with_plain_names
from cog_core.process import Command
from cog_core.redaction import Redaction
from cog_core.staging import DOCKERFILE, secret_files, stage_folders, workspace, write_ignore_file
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cog_backends.docker.client import Engine
    from cog_backends.docker.rungs import Rung
    from cog_core.backend import BuildRequest
    from cog_core.buildkit_progress import Progress
    from cog_core.events import Emit
    from cog_core.ir.dockerfile import Dockerfile
    from cog_core.process import Runner
    from cog_core.settings import Settings

_NAMED_BY_ANOTHER: Final = re.compile(r"^'exporting to image' failed: image .* already exists$")
"""Docker 28 with containerd's store makes a new name in two steps: of two builds that do so at once, one fails. The
name is there when it is said, and a second try only has to change what it means."""
PROXY_ARGUMENTS: Final = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


@attrs.frozen(kw_only=True)
class Builder(Frozen):
    """A builder that was found, and all that is needed to talk to it.

    Attributes:
        engine: Where images end up.
        rung: The way to its builder.
        name: A buildx builder by name; None leaves the choice to the user's configuration.
    """

    engine: Engine
    rung: Rung
    settings: Settings
    run: Runner
    name: str | None = None

    def build(self, request: BuildRequest, tags: tuple[str, ...], emit: Emit) -> str:
        """Build and return the image's id.

        Raises:
            BuildFailed: A step failed.
            BackendError: The builder failed.
        """
        if self.rung.kind is RungKind.CLASSIC:
            return self._build_classic(request, tags, emit)
        with workspace(self.settings, "docker") as folder:
            return self._build_with_cli(request, tags, emit, folder)

    def _build_with_cli(self, request: BuildRequest, tags: tuple[str, ...], emit: Emit, folder: Path) -> str:
        request = with_plain_names(request, folder)
        dockerfile = render(request.plan, self.rung.dialect)
        folders: Mapping[str, Path] = {}
        carriers: Mapping[str, str] = {}
        if self.rung.named_contexts:
            folders = stage_folders(dockerfile, request, folder)
        elif dockerfile.contexts:
            carriers = stage.carrier_names(dockerfile, request)
            dockerfile = render(request.plan, self.rung.dialect, carriers)
        (folder / DOCKERFILE).write_text(dockerfile.text, "utf-8")
        write_ignore_file(folder, request.contexts[PROJECT])
        platform = request.plan.platform
        options = BuildOptions(
            dockerfile=folder / DOCKERFILE,
            context=request.contexts[PROJECT].root,
            image_id_file=folder / "image-id",
            metadata_file=folder / "metadata.json",
            platform=None if platform == self.engine.platform else str(platform),
            tags=tags,
            contexts=folders,
            secrets=secret_files(request, folder),
            ssh=request.ssh,
            proxies=self.settings.proxies,
            labels=dockerfile.labels,
            builder=self.name,
            epoch=request.plan.created if self.rung.named_contexts else None,
            no_cache=request.no_cache,
            pull=request.pull and not carriers,
            cache_from=request.cache_from,
            cache_to=request.cache_to,
        )
        try:
            if carriers:
                if request.pull:
                    self._pull(dockerfile.base)
                stage.stage_carriers(self.engine, dockerfile, request, carriers)
            try:
                self._run_cli(dockerfile, options, emit, secrets=_secrets(request))
            except BuildFailed as failure:
                if not _NAMED_BY_ANOTHER.search(failure.message):
                    raise
                self._run_cli(dockerfile, options, emit, secrets=_secrets(request))
        finally:
            stage.remove_carriers(self.engine, carriers)
        return _image_id(options)

    def _pull(self, base: str) -> None:
        """Pull the base by itself: the builder would look for the carriers in their registry, too."""
        for message in self.engine.pull(base):
            if "error" in message:
                reason = str(message["error"])
                raise BuildFailed(f"the base image {base} cannot be had: {reason}", hint=registry_advice(reason))

    def _run_cli(self, dockerfile: Dockerfile, options: BuildOptions, emit: Emit, secrets: tuple[bytes, ...]) -> None:
        steps = Steps(dockerfile.instructions, emit, secrets)
        progress: Progress = RawJson(steps) if self.rung.rawjson else Plain(steps)
        command = Command(
            argv=build_argv(self.rung, options),
            env=build_environment(self.settings.environ, options),
            secrets=secrets_of((*options.cache_from, *options.cache_to)).union(self.settings.proxies.values()),
        )
        completed = self.run(command, on_line=lambda _, line: progress.feed(line))
        if completed.code:
            raise progress.failure() or _builder_failed(Redaction.of(secrets)(completed.stderr))

    def _build_classic(self, request: BuildRequest, tags: tuple[str, ...], emit: Emit) -> str:
        """Send one archive: each context in a folder of its own, so that none can be in the way.

        Raises:
            UnsupportedPlan: The image is for another platform than the engine's; it would be for the engine's.
        """
        wanted, own = request.plan.platform, self.engine.platform
        if (wanted.os, wanted.architecture) != (own.os, own.architecture):
            raise UnsupportedPlan(
                f"the classic builder of this engine builds for {own}, not for {wanted}",
                hint="Install buildx, or use --backend oci, which makes images for other platforms.",
            )
        dockerfile = render(request.plan, self.rung.dialect)
        files = {DOCKERFILE: (dockerfile.text.encode(), 0o644)}
        files |= {f"{FILES}{file.path}": (file.content.encode(), file.mode) for file in dockerfile.files}
        contexts = {name: request.contexts[name] for name in (PROJECT, *dockerfile.contexts) if name != FILES}
        progress = Classic(dockerfile.instructions, emit)
        messages = self.engine.classic_build(
            tar_stream(contexts, files, mtime=request.plan.created),
            tag=tags[0] if tags else None,
            build_args={name: value for name, value in self.settings.proxies.items() if name in PROXY_ARGUMENTS},
            labels=dict(dockerfile.labels),
            no_cache=request.no_cache,
            pull=request.pull,
        )
        with contextlib.closing(messages):
            for message in messages:
                progress.feed_message(message)
        if failure := progress.failure():
            raise failure
        progress.end()
        if not progress.image_id:
            raise BackendError("the engine ended the build without an image")
        for tag in tags[1:]:
            self.engine.tag(progress.image_id, tag)
        return progress.image_id


def _secrets(request: BuildRequest) -> tuple[bytes, ...]:
    return tuple(secret.read() for secret in request.secrets.values())


def _builder_failed(stderr: str) -> BackendError:
    """Make an error of what the command line says when no step failed, such as a base that cannot be had."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith(("{", "#", "---"))]
    message = lines[-1].removeprefix("ERROR: ") if lines else "the builder gave no reason"
    return BuildFailed(f"docker build failed: {message}", output=tuple(lines[-20:]))


def _image_id(options: BuildOptions) -> str:
    """Prefer the configuration's digest: with containerd's store the id file holds a manifest's digest."""
    with contextlib.suppress(OSError, ValueError):
        metadata = json.loads(options.metadata_file.read_text("utf-8"))
        if digest := metadata.get("containerimage.config.digest"):
            return str(digest)
    return options.image_id_file.read_text("utf-8").strip()
