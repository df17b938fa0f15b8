"""One build: stage the contexts, call buildah, tell what happens, leave nothing behind."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cog_backends.podman.another_machine import with_named_project
from cog_backends.podman.commands import BuildOptions, build_argv, repositories
from cog_backends.podman.leftovers import tidied
from cog_backends.podman.progress import BuildProgress
from cog_core.context import materialise
from cog_core.errors import BackendError, CogError
from cog_core.ir import ImageBase
from cog_core.ir.dockerfile import Instruction, label_name, render
from cog_core.ir.steps import PROJECT
from cog_core.plain_names import with_plain_names
from cog_core.process import Command
from cog_core.staging import DOCKERFILE, secret_files, stage_folders, workspace, write_ignore_file
from cog_oci.errors import OciError
from cog_oci.frozen import Frozen
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.podman.store import Images
    from cog_core.backend import BuildRequest
    from cog_core.events import Emit
    from cog_core.ir import BuildPlan
    from cog_core.ir.dockerfile import Dockerfile
    from cog_core.settings import Settings


@attrs.frozen
class Builder(Frozen):
    """Builds into one podman's store."""

    images: Images

    def build(self, request: BuildRequest, tags: tuple[str, ...], emit: Emit) -> str:
        """Build and return the image's id.

        Raises:
            BuildFailed: A step failed.
            BackendError: The builder failed.
        """
        with workspace(self.images.settings, "podman") as folder:
            request = attrs.evolve(request, plan=self._with_full_base(request.plan))
            if self.images.tools.remote and self.images.tools.named_contexts:
                request = with_named_project(request, folder)
            request = with_plain_names(request, folder, renames=False)
            rendered = _with_time_and_base(render(request.plan, self.images.tools.dialect), request.plan.created)
            dockerfile, arguments = _with_all_labels(rendered)
            options = self._options(dockerfile, request, tags, folder, arguments)
            return self._run(
                dockerfile, options, emit, secrets=[secret.read() for secret in request.secrets.values()]
            )

    def _options(
        self,
        dockerfile: Dockerfile,
        request: BuildRequest,
        tags: tuple[str, ...],
        folder: Path,
        arguments: tuple[tuple[str, str], ...],
    ) -> BuildOptions:
        tools, plan = self.images.tools, request.plan
        (folder / DOCKERFILE).write_text(dockerfile.text, "utf-8")
        write_ignore_file(folder, request.contexts[PROJECT])
        context, contexts, ignore_file = request.contexts[PROJECT].root, {}, folder / f"{DOCKERFILE}.dockerignore"
        if tools.named_contexts:
            contexts = stage_folders(dockerfile, request, folder)
        else:
            context = _one_folder(dockerfile, request, folder / "context")
            ignore_file.write_text("")
        return BuildOptions(
            dockerfile=folder / DOCKERFILE,
            ignore_file=ignore_file,
            context=context,
            base=dockerfile.base,
            created=plan.created,
            platform=None if plan.platform == tools.platform else str(plan.platform),
            tags=tags,
            arguments=arguments,
            contexts=contexts,
            secrets=secret_files(request, folder),
            ssh=request.ssh,
            no_cache=request.no_cache,
            pull=request.pull,
            cache_from=repositories(request.cache_from),
            cache_to=repositories(request.cache_to),
        )

    def _run(self, dockerfile: Dockerfile, options: BuildOptions, emit: Emit, secrets: list[bytes]) -> str:
        progress = BuildProgress(dockerfile.instructions, emit, secrets)
        settings = self.images.settings
        command = Command(
            argv=build_argv(self.images.tools, options),
            env={**_environment(settings.environ, settings.proxies), **_temporary_folder(settings)},
            secrets=frozenset(settings.proxies.values()),
        )
        try:
            with tidied(self.images, lambda: (*progress.seen, *self.images.ids(dockerfile.base))):
                completed = self.images.run(command, on_line=progress.feed)
        except BaseException:
            self.images.remove(*reversed(progress.made))
            raise
        progress.end(completed.code, completed.stderr)
        if progress.failure:
            raise progress.failure
        if not progress.image_id:
            raise BackendError("buildah ended the build without an image")
        return f"sha256:{progress.image_id}"

    def _with_full_base(self, plan: BuildPlan) -> BuildPlan:
        """Give the base its full name, as Docker reads it, unless the store has it under the short one."""
        base = plan.stage.base
        if not isinstance(base, ImageBase) or base.reference == "scratch" or self.images.has(base.reference):
            return plan
        try:
            full = str(Reference.parse(base.reference))
        except OciError as error:
            raise CogError(error.message, hint=error.hint, origin=base.origin) from error
        return attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=attrs.evolve(base, reference=full)))


def _with_time_and_base(dockerfile: Dockerfile, created: int) -> Dockerfile:
    """Tell buildah's cache the time of the image and the name of its base.

    The cache looks at neither ``--timestamp`` nor ``FROM``: it would take layers with the files' times of another
    build, and images whose annotations name another base with the same layers. It looks at the names of arguments
    that have a value, and not at the value. The time itself is for commands, so that what they compile carries none.
    """
    base, *rest = dockerfile.instructions
    key = hashlib.sha256(f"{created} {dockerfile.base}".encode()).hexdigest()[:16]
    added = (f"ARG COG_BUILD_{key}=1", f"ARG SOURCE_DATE_EPOCH={created}")
    arguments = [Instruction(text, makes_vertex=False) for text in added]
    return attrs.evolve(dockerfile, instructions=(base, *arguments, *rest))


def _with_all_labels(dockerfile: Dockerfile) -> tuple[Dockerfile, tuple[tuple[str, str], ...]]:
    """Put labels whose values have several lines into the Dockerfile, as build arguments, and return these.

    Newer buildahs write the line breaks of ``--label`` as a backslash and an n. The argument's name changes with its
    value, because buildah's cache looks at the instruction alone.
    """
    added, arguments = [], []
    for name, value in dockerfile.labels:
        argument = f"COG_LABEL_{hashlib.sha256(value.encode()).hexdigest()[:16]}"
        arguments.append((argument, value))
        added += [f"ARG {argument}", f'LABEL {label_name(name)}="${{{argument}}}"']
    instructions = tuple(Instruction(text, makes_vertex=False) for text in added)
    with_labels = attrs.evolve(dockerfile, instructions=(*dockerfile.instructions, *instructions), labels=())
    return with_labels, tuple(arguments)


def _environment(environ: Mapping[str, str], proxies: Mapping[str, str]) -> dict[str, str]:
    """Return buildah's environment: its own settings that would change what we ask for are left out."""
    return {**{name: value for name, value in environ.items() if name not in _OVERRIDES}, **proxies}


def _temporary_folder(settings: Settings) -> dict[str, str]:
    """Return another place for caches where the usual one, of which buildah 1.28 has one a machine, is not ours."""
    if "TMPDIR" in settings.environ or not _CACHES.exists() or _CACHES.stat().st_uid == os.geteuid():
        return {}
    folder = settings.cache / "podman"
    folder.mkdir(parents=True, exist_ok=True)
    return {"TMPDIR": str(folder)}


_CACHES = Path("/var/tmp/buildah-cache")  # noqa: S108 - buildah's own choice
_OVERRIDES = ("BUILDAH_FORMAT", "BUILDAH_LAYERS", "SOURCE_DATE_EPOCH")


def _one_folder(dockerfile: Dockerfile, request: BuildRequest, folder: Path) -> Path:
    """Lay every context out in a folder of one, with hard links, for builders that take no further folders."""
    folder.mkdir()
    staged = stage_folders(dockerfile, request, folder)
    for name in (PROJECT, *staged):
        if staged.get(name) != folder / name:
            materialise(request.contexts[name], folder / name)
    return folder
