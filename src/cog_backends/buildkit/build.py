"""One build: lay the contexts out, call ``buildctl``, tell what happens, leave nothing behind."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

from cog_backends.buildkit.address import ATTESTATIONS, EXPORT_CACHE, IMPORT_CACHE
from cog_backends.buildkit.bases import with_local_base
from cog_backends.buildkit.commands import BuildOptions, LocalFolder, build_argv
from cog_backends.buildkit.failures import failed
from cog_backends.buildkit.landing import prepare
from cog_backends.buildkit.times import not_before, of_now
from cog_core.buildkit_progress import RawJson, Steps
from cog_core.caches import Cache, secrets_of
from cog_core.errors import UnsupportedPlan, UsageError
from cog_core.events import Warned
from cog_core.ir.dockerfile import FILES, MODERN, Dockerfile, Instruction, render
from cog_core.ir.steps import PROJECT
from cog_core.plain_names import ODD, with_plain_names
from cog_core.process import Command
from cog_core.staging import DOCKERFILE, secret_files, stage_folders, write_ignore_file
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_backends.buildkit.address import Server
    from cog_core.backend import BuildRequest
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings

_SEEN: Final = Warned(
    message="credentials of a cache stand on buildctl's command line, which every user of this machine can read",
    hint="Give them to the server: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of buildkitd.",
)
_LONGEST: Final = 128 * 1024 - 1
"""Bytes of one argument of a program (Linux, ``MAX_ARG_STRLEN``)."""


@attrs.frozen(kw_only=True)
class Pushed(Frozen):
    """What a server pushed.

    Attributes:
        image_id: Digest of the configuration; of the index when there are attestations.
        digest: Digest of the manifest, or of the index.
    """

    image_id: str
    digest: str


@attrs.frozen(kw_only=True)
class Builder(Frozen):
    """A server that was found, and what is needed to talk to it.

    Attributes:
        server: Who builds.
        workspace: A folder of this build's own.
        known: A layout with layers that need not be sent again.
    """

    server: Server
    settings: Settings
    run: Runner
    workspace: Path
    known: Path

    def into_layout(self, request: BuildRequest, emit: Emit) -> Path:
        """Build and return the folder of an OCI layout that holds the image and nothing else.

        Raises:
            BuildFailed: A step failed.
            BackendError: The server failed, or went away.
        """
        layout = self.workspace / "layout"
        self._build(request, emit, layout=layout)
        return layout

    def into_registry(self, request: BuildRequest, references: tuple[str, ...], emit: Emit) -> Pushed:
        """Build and let the server push the image.

        Raises:
            BuildFailed: A step failed.
            RegistryError: A registry refused.
            BackendError: The server failed, or went away.
        """
        options = self._build(request, emit, references=references)
        said = json.loads(options.metadata_file.read_text("utf-8"))
        digest = str(said["containerimage.digest"])
        # With attestations this is an index, and the image in it is known to the registry only.
        return Pushed(image_id=said.get("containerimage.config.digest") or digest, digest=digest)

    def _build(
        self, request: BuildRequest, emit: Emit, *, layout: Path | None = None, references: tuple[str, ...] = ()
    ) -> BuildOptions:
        request = with_plain_names(request, self.workspace)
        plan, layouts = with_local_base(request.plan, self.workspace)
        if layout:
            prepare(layout, (self.known, *(base.folder for base in layouts.values())))
        dockerfile = with_epoch(render(plan, MODERN))
        check_labels(dockerfile)
        (self.workspace / DOCKERFILE).write_text(dockerfile.text, "utf-8")
        write_ignore_file(self.workspace, request.contexts[PROJECT])
        environ = self.settings.environ
        cache_from = (*of_environ(environ, IMPORT_CACHE), *request.cache_from)
        cache_to = (*of_environ(environ, EXPORT_CACHE), *request.cache_to)
        hidden = secrets_of((*cache_from, *cache_to))
        if hidden:
            emit(_SEEN)
        options = BuildOptions(
            server=self.server,
            dockerfile=self.workspace,
            context=not_before(request.contexts[PROJECT], plan.created, self.workspace / PROJECT),
            platform=str(plan.platform),
            epoch=plan.created,
            metadata_file=self.workspace / "metadata.json",
            layout=layout,
            references=references,
            contexts=_local_folders(stage_folders(dockerfile, request, self.workspace), request),
            layouts=layouts,
            secrets=secret_files(request, self.workspace),
            ssh=request.ssh,
            build_args=dict(_proxies(self.settings.proxies, emit)),
            labels=dockerfile.labels,
            attestations=tuple(shlex.split(environ.get(ATTESTATIONS, ""))) if references else (),
            cache_from=tuple(map(str, cache_from)),
            cache_to=tuple(map(str, cache_to)),
            no_cache=request.no_cache,
            pull=request.pull,
        )
        secrets = [secret.read() for secret in request.secrets.values()] + [text.encode() for text in hidden]
        self._call(Steps(_counted(dockerfile, options), emit, secrets), options, hidden)
        return options

    def _call(self, steps: Steps, options: BuildOptions, hidden: frozenset[str]) -> None:
        progress = RawJson(steps)
        command = Command(
            argv=build_argv(options),
            env=self.settings.environ,
            secrets=hidden.union(self.settings.proxies.values()),
        )
        completed = self.run(command, on_line=lambda _, line: progress.feed(line))
        if completed.code:
            raise failed(command.redact(completed.stderr), progress.failure(), self.server)


def of_environ(environ: Mapping[str, str], variable: str) -> tuple[Cache, ...]:
    """Return the caches that a variable lists, with blanks between them.

    Raises:
        UsageError: One of them is none.
    """
    try:
        return tuple(map(Cache.parse, shlex.split(environ.get(variable, ""))))
    except UsageError as error:
        raise UsageError(f"{variable}: {error.message}", hint=error.hint) from error


def _local_folders(folders: Mapping[str, Path], request: BuildRequest) -> dict[str, LocalFolder]:
    """Return folders with keys that stay the same from build to build, wherever their files are laid out."""
    for name in {FILES, ODD} & folders.keys():
        of_now(folders[name])
    return {
        name: LocalFolder.of(name, folder, request.contexts[name].root if name in request.contexts else Path(name))
        for name, folder in folders.items()
    }


def _counted(dockerfile: Dockerfile, options: BuildOptions) -> tuple[Instruction, ...]:
    """Return the instructions that the server numbers: ``FROM`` is none of them when its image comes from here."""
    return dockerfile.instructions[1:] if options.layouts else dockerfile.instructions


def with_epoch(dockerfile: Dockerfile) -> Dockerfile:
    """Return a Dockerfile whose commands see ``SOURCE_DATE_EPOCH``, so that what they compile carries no time."""
    base, *others = dockerfile.instructions
    argument = Instruction("ARG SOURCE_DATE_EPOCH", makes_vertex=False)
    return attrs.evolve(dockerfile, instructions=(base, argument, *others))


def check_labels(dockerfile: Dockerfile) -> None:
    """Refuse labels that fit neither into a Dockerfile nor into an argument of a program.

    Raises:
        UnsupportedPlan: There is one.
    """
    for name, value in dockerfile.labels:
        if len(f"label:{name}={value}".encode()) > _LONGEST:
            raise UnsupportedPlan(
                f"the label {name} has line breaks and more than {_LONGEST} bytes, which buildctl cannot be given",
                hint="Use --backend oci.",
            )


def _proxies(proxies: Mapping[str, str], emit: Emit) -> Iterator[tuple[str, str]]:
    """Yield the proxies for the build's commands, without those that would show a password to the whole machine."""
    for name, value in proxies.items():
        if urlsplit(value).password is None:
            yield name, value
        else:
            emit(
                Warned(
                    message=f"{name} holds a password and is not passed on to the build",
                    hint="buildctl takes values on its command line only, which every user of the machine can read.",
                )
            )
