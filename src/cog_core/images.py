"""The library's verbs for images: plan one, build one, look at one, push one.

Nothing here prints; whoever wants to watch passes ``on_event``. Every error is a :class:`cog_core.errors.CogError`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core import process
from cog_core.backend import (
    BuildRequest,
    ExportsImages,
    ImageInfo,
    PushesImages,
    ToStore,
)
from cog_core.clock import monotonic
from cog_core.errors import UsageError
from cog_core.events import Decided, Noted, StepFinished, StepStarted, Warned, ignore
from cog_core.holders import RUNNING, find_image
from cog_core.ir import Capability, Run, SshMount
from cog_core.ir.capabilities import Requirement
from cog_core.labels import SourceFacts
from cog_core.layouts import inspect_layout, is_layout
from cog_core.loading import where_it_goes, where_it_is
from cog_core.lock import with_pip_certificates
from cog_core.plugins import begin_to_choose, candidates, choose, hookimpl
from cog_core.plugins import load as load_plugins
from cog_core.plugins.trust import checked
from cog_core.project import open_project
from cog_core.results import BuildResult
from cog_core.settings import Settings
from cog_core.tools import Tools
from cog_core.values import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from cog_core.backend import Output
    from cog_core.caches import Cache
    from cog_core.draft import Draft
    from cog_core.events import Emit, Event
    from cog_core.ir import BuildPlan
    from cog_core.planner import PlanInputs
    from cog_core.plugins import Candidate, Choice
    from cog_core.plugins.trust import Question
    from cog_core.values import Secret


CACHES: Final = (Requirement(Capability.CACHE_EXCHANGE, "a cache that is shared with other machines"),)
"""What whoever builds needs for ``cache_from`` and ``cache_to``."""


class _Core:
    """Core's own part in the hooks."""

    @staticmethod
    @hookimpl
    def cog_build_plan(inputs: PlanInputs) -> BuildPlan:
        from cog_core.planner import make_plan  # noqa: PLC0415 - not before a backend has been asked

        return make_plan(inputs)


def tools(settings: Settings | None = None, on_event: Emit = ignore) -> Tools:
    """Return the doors to the world as the environment describes them: settings, plugins, programs.

    Args:
        settings: Instead of what the environment says.
        on_event: Hears which plugin is waited for, when one takes long to load.
    """
    settings = with_pip_certificates(settings or Settings.from_environ())
    return Tools(settings=settings, plugins=load_plugins(settings, core=_Core(), emit=on_event), run=process.run)


def plan(
    project: str | PathLike[str] = ".",
    *,
    file: str | None = None,
    platform: str | Platform | None = None,
    base: str | None = None,
    schema: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    strict: bool = False,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> BuildPlan:
    """Return the plan of a project's image, with the reason for every decision.

    The arguments are those of :func:`build`. Python packages are locked, which may ask an index the first time.

    Raises:
        CogError: The project cannot be planned.
    """
    from cog_core.draft import Wishes, draft  # noqa: PLC0415 - not before a backend has been asked

    wishes = Wishes(platform=_platform(platform), base=base, schema=schema, labels=dict(labels or {}))
    opened = open_project(Path(project), file=file, strict=strict)
    return draft(opened, wishes, tools(settings, on_event), on_event).plan


def build(
    project: str | PathLike[str] = ".",
    *,
    tag: str | None = None,
    backend: str | None = None,
    platform: str | Platform | None = None,
    outputs: Iterable[Output] = (),
    on_event: Emit = ignore,
    file: str | None = None,
    base: str | None = None,
    schema: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    source: SourceFacts | None = None,
    strict: bool = False,
    no_cache: bool = False,
    pull: bool = False,
    cache_from: Iterable[Cache] = (),
    cache_to: Iterable[Cache] = (),
    refresh: bool = False,
    with_source: bool = True,
    to_run: bool = False,
    secrets: Mapping[str, Secret] | None = None,
    ssh: Mapping[str, Path] | None = None,
    settings: Settings | None = None,
) -> BuildResult:
    """Build a project's image.

    Args:
        project: The folder with ``cog.yaml``, or one below it.
        tag: Name in the backend's store; by default ``image`` of ``cog.yaml``, else one made from the folder's name.
        backend: Who builds; by default ``COG_BACKEND``, else ``backend`` of ``cog.yaml``, else the first that is
            usable and able.
        platform: Such as ``linux/amd64``; by default this machine's own.
        outputs: Where the image goes besides the store; when some are given and ``tag`` is not, only there.
        on_event: Called with each event of :mod:`cog_core.events`.
        file: Name of the configuration instead of ``cog.yaml``.
        base: Base image instead of the backend's own Python.
        schema: A finished OpenAPI document, used instead of reading the model's source.
        labels: Further labels.
        source: What version control says about the project, for the image's labels.
        strict: Unknown keys of ``cog.yaml`` are errors.
        no_cache: Do every step anew.
        pull: Ask the registry for the newest base image of its name.
        cache_from: Where layers of earlier builds may be found.
        cache_to: Where the layers of this build go, for other machines.
        refresh: Lock the newest Python packages instead of those of the last build.
        with_source: Copy the project's files into the image; without them they have to be mounted at ``/src``.
        to_run: Let somebody build who can run the image, too.
        secrets: What the mounts of ``build.run`` may read, by id.
        ssh: Sockets of the SSH agents that the mounts of ``build.run`` may ask, by id.
        settings: Instead of what the environment says.

    Raises:
        CogError: The image could not be built; its family says why. Nothing half-built is left behind.
    """
    started = monotonic()
    watch = _Watch(on_event)
    kit = tools(settings, watch)
    opened = open_project(Path(project), file=file, strict=strict)
    begun = begin_to_choose(kit.plugins, kit.settings, asked=backend, project=opened.config.backend)
    # What follows takes a while to import, and the backend waits for its engine meanwhile.
    from cog_core.destinations import destinations, needs_of  # noqa: PLC0415
    from cog_core.draft import Wishes, draft  # noqa: PLC0415

    wishes = Wishes(
        platform=_platform(platform),
        base=base,
        schema=schema,
        labels=dict(labels or {}),
        source=source or SourceFacts(),
        with_source=with_source,
        refresh=refresh,
    )
    drafted = draft(opened, wishes, kit, watch)
    wanted = destinations(tuple(outputs), tag, drafted, watch)
    caches = {"cache_from": tuple(cache_from), "cache_to": tuple(cache_to)}
    also = (*needs_of(wanted), *(RUNNING if to_run else ()), *(CACHES if any(caches.values()) else ()))
    choice = _chosen(kit, drafted, watch, asked=backend, also=also, begun=begun)
    request = BuildRequest(
        plan=choice.plan,
        contexts=drafted.contexts(kit),
        outputs=wanted,
        secrets={**(secrets or {}), **drafted.secrets},
        ssh=_agents(choice.plan, ssh or {}),
        no_cache=no_cache,
        pull=pull,
        **caches,
    )
    info = _built(choice.candidate, request, watch)
    return _result(info, choice, drafted, request, watch, seconds=monotonic() - started)


def _chosen(
    kit: Tools,
    drafted: Draft,
    watch: _Watch,
    *,
    asked: str | None,
    also: tuple[Requirement, ...],
    begun: Mapping[str, Question],
) -> Choice:
    """Choose who builds, and say so."""
    project = drafted.project.config.backend
    choice = choose(kit.plugins, kit.settings, drafted.plan, asked=asked, project=project, also=also, begun=begun)
    if choice.candidate.wrong:
        watch(Warned(message=choice.candidate.wrong))
    watch(Decided(what="backend", value=choice.candidate.info.name, because=choice.reason))
    return choice


def _agents(plan: BuildPlan, given: Mapping[str, Path]) -> Mapping[str, Path]:
    """Return the agents that are given, unless the plan asks for another one."""
    for step in plan.steps:
        wanted = [mount for mount in step.mounts if isinstance(mount, SshMount)] if isinstance(step, Run) else []
        for mount in wanted:
            if mount.id not in given:
                hint = f"Give it one with --ssh {mount.id}{'' if mount.id == 'default' else '=SOCKET'}."
                raise UsageError(f"a command needs the SSH agent {mount.id!r}", hint=hint, origin=step.origin)
    return given


def _built(builder: Candidate, request: BuildRequest, watch: _Watch) -> ImageInfo:
    with builder.blamed(watch) as emit:
        answer = builder.backend.build(request, emit)
        return checked(answer, request, builder.backend, backend=builder.info.name, owner=builder.owner)


def inspect(
    reference: str | PathLike[str], *, backend: str | None = None, settings: Settings | None = None
) -> ImageInfo:
    """Return what an image says about itself.

    Args:
        reference: An image in a backend's store, or the path of an OCI image layout.
        backend: Look only there; by default in every usable backend, in order of preference.
        settings: Instead of what the environment says.

    Raises:
        ImageNotFound: Nobody has it.
    """
    if is_layout(Path(reference)):
        return inspect_layout(Path(reference))
    return find_image(str(reference), tools(settings), backend=backend)[1]


def push(
    reference: str,
    target: str | None = None,
    *,
    backend: str | None = None,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> str:
    """Push an image of a backend's store and return its manifest's digest.

    Args:
        reference: The image's name in the store.
        target: Its name in the registry; by default the same.
        backend: Whose store.
        on_event: Called with each event.
        settings: Instead of what the environment says.

    Raises:
        ImageNotFound: Nobody has it.
        RegistryError: The registry refused.
    """
    kit = tools(settings, on_event)
    name, _ = find_image(reference, kit, backend=backend)
    holder = next(iter(candidates(kit.plugins, kit.settings, only=name)))
    if not isinstance(holder.backend, PushesImages):
        raise UsageError(f"the backend {name}, which has {reference!r}, cannot push", hint="Use another one.")
    with holder.blamed(on_event) as emit:
        return holder.backend.push(reference, target or reference, emit)


def load(
    reference: str,
    *,
    backend: str | None = None,
    into: str | None = None,
    on_event: Emit = ignore,
    settings: Settings | None = None,
) -> str:
    """Put an image of the embedded store into an engine that is there, and return that engine's backend.

    An image that only an engine has stays there, unless ``into`` names another one.

    Args:
        reference: The image's name; it gets the same there.
        backend: Whose store it is in; by default the embedded one, else the first that has it.
        into: Name of the backend; by default the first usable one.
        on_event: Called with each event.
        settings: Instead of what the environment says.

    Raises:
        ImageNotFound: There is no such image.
        BackendUnavailable: No engine is here.
    """
    kit = tools(settings, on_event)
    holder = where_it_is(reference, kit, only=backend)
    if holder.is_engine and into in {None, holder.name}:
        return holder.name
    exporter: object = holder.candidate.backend
    if not isinstance(exporter, ExportsImages):
        raise UsageError(
            f"the backend {holder.name}, which has {reference!r}, cannot export it", hint="Use another one."
        )
    taker, engine = where_it_goes(reference, kit, only=into)
    name = taker.info.name
    on_event(StepStarted(id="load", name=f"load {reference} into {name}"))
    started = monotonic()
    parent = kit.settings.cache / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # noqa: PLC0415 - slow to load, and builds need none

    with tempfile.TemporaryDirectory(prefix="load-", dir=parent) as folder:
        archive = Path(folder) / "image.tar"
        with holder.candidate.blamed():
            exporter.export(reference, archive)
        with taker.blamed():
            engine.load(archive)
    on_event(StepFinished(id="load", seconds=monotonic() - started))
    return name


@attrs.define
class _Watch:
    """Passes events on, and remembers what the result has to say."""

    on_event: Emit
    warnings: list[Warned] = attrs.field(factory=list)
    notes: list[Noted] = attrs.field(factory=list)

    def __call__(self, event: Event) -> None:
        match event:
            case Warned():
                self.warnings.append(event)
            case Noted():
                self.notes.append(event)
            case _:
                pass
        self.on_event(event)


def _platform(wanted: str | Platform | None) -> Platform:
    if wanted is None:
        return Platform.of_this_machine()
    return Platform.parse(wanted) if isinstance(wanted, str) else wanted


def _result(
    info: ImageInfo, choice: Choice, drafted: Draft, request: BuildRequest, watch: _Watch, *, seconds: float
) -> BuildResult:
    tags = [output.tag for output in request.outputs if isinstance(output, ToStore)]
    return BuildResult(
        image_id=info.image_id,
        digest=info.digest,
        tag=tags[0] if tags else None,
        references=info.references,
        platform=request.plan.platform,
        backend=choice.candidate.info.name,
        reason=choice.reason,
        schema=drafted.schema or {},
        labels=info.labels,
        layers=info.layers,
        size=info.size,
        location=info.location,
        plan=drafted.plan,
        warnings=tuple(watch.warnings),
        notes=tuple(watch.notes),
        seconds=seconds,
    )
