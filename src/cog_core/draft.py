"""Everything about an image that can be known before a backend is asked: a project understood, locked and planned."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core import labels
from cog_core.context import ALWAYS_IGNORED, BuildContext, IgnoreRules, Survey, exactly
from cog_core.errors import PluginError, Problem, SchemaError
from cog_core.events import Noted, Warned, ignore
from cog_core.ir.steps import PROJECT, RUNTIME, WEIGHTS
from cog_core.labels import SourceFacts
from cog_core.lock import build_secrets, installer_environ, lock
from cog_core.planner import PlanInputs
from cog_core.plugins import calls
from cog_core.plugins.installed import version
from cog_core.resolve import resolve
from cog_core.runtime_bundle import key_of, prepare
from cog_core.schema import Mode, check, dumps, read_model, to_openapi
from cog_core.values import COMPATIBLE_COG_VERSION, EPOCH, Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_core.events import Emit
    from cog_core.ir.plan import BuildPlan
    from cog_core.lock import LockedPackages
    from cog_core.plugins import Plugins
    from cog_core.project import Project
    from cog_core.resolve import ResolvedBuild
    from cog_core.schema import ModelSchema
    from cog_core.tools import Tools
    from cog_core.values import Secret

LARGE: Final = 10 * 1024 * 1024
"""Bytes from which on a file of the project counts as weights and gets a layer of its own."""


@attrs.frozen(kw_only=True)
class Wishes(Frozen):
    """What the caller decides about an image, beside what the project says.

    Attributes:
        platform: What the image is for.
        base: Base image instead of the backend's own Python.
        schema: A finished OpenAPI document, used instead of the one read from the source.
        labels: Further labels; they win over ours.
        source: Facts of version control.
        with_source: Copy the author's files; otherwise they are mounted when the image runs.
        refresh: Lock the newest packages instead of those of the last time.
    """

    platform: Platform = attrs.field(factory=Platform.of_this_machine)
    base: str | None = None
    schema: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)
    source: SourceFacts = attrs.field(factory=SourceFacts)
    with_source: bool = True
    refresh: bool = False


@attrs.frozen(kw_only=True)
class Draft(Frozen):
    """A planned image.

    Attributes:
        project: Where it comes from.
        resolved: What the author wants.
        locked: The Python packages.
        schema: The OpenAPI document; None for a project without a model.
        plan: The image.
        survey: Which of the author's files are large, and what is left out.
        bundle: Key of the runtime bundle.
        secrets: What the build may read and the image must not hold.
    """

    project: Project
    resolved: ResolvedBuild
    locked: LockedPackages
    schema: Mapping[str, Any] | None
    plan: BuildPlan
    survey: Survey = attrs.field(factory=Survey)
    bundle: str | None = None
    secrets: Mapping[str, Secret] = attrs.field(factory=dict, repr=False)

    def contexts(self, tools: Tools) -> dict[str, BuildContext]:
        """Return the files that the plan's steps name, making the runtime bundle if the cache has none.

        Raises:
            LockError: The bundle's packages cannot be had.
        """
        bundle = prepare(
            self.resolved.python,
            self.resolved.platform,
            cache=tools.settings.cache,
            run=tools.run,
            environ=installer_environ(tools.settings),
            key=self.bundle,
        )
        weights = [exactly(path) for path in self.survey.large]
        only_weights = IgnoreRules(("**", *(f"!{path}" for path in weights)))
        return {
            PROJECT: BuildContext(self.project.root, self._rules().followed_by(*weights)),
            WEIGHTS: BuildContext(self.project.root, only_weights),
            RUNTIME: BuildContext(bundle.path),
        }

    def _rules(self) -> IgnoreRules:
        """Return what leaves out the project's files: by their names, if that is as few words as our usual rules.

        An engine compares each of many files with each rule, and wildcards make that slow.
        """
        if self.survey.left_out is None:
            return BuildContext.of_project(self.project.root).rules
        return IgnoreRules(tuple(map(exactly, self.survey.left_out))).followed_by(*ALWAYS_IGNORED)


def draft(project: Project, wishes: Wishes, tools: Tools, emit: Emit) -> Draft:
    """Understand, resolve, lock and plan a project.

    The project's code is not run, and nothing is written to its folder.

    Raises:
        ConfigInvalid: The configuration cannot be used.
        SchemaError: The model's source cannot be understood.
        ResolveError: There is no such image.
        LockError: There are no such packages.
        UsageError: ``COG_CA_CERT`` cannot be used.
    """
    _tell_of_plugins(emit, tools.plugins)
    _tell(emit, tools.plugins.warnings, ())
    _tell(emit, project.loaded.warnings, project.loaded.notes)
    project.check_names()
    models = read_models(project)
    _tell(emit, [warning for model in models for warning in model.warnings], ())
    document = wishes.schema or _document(models)
    predictor = next(iter(models), None)
    facts = project.facts(
        platform=wishes.platform,
        concurrency=predictor.concurrency if predictor else None,
        is_async=predictor.is_async if predictor else None,
        batch=predictor.batch if predictor else None,
    )
    resolved = resolve(project.loaded, facts)
    _tell(emit, resolved.warnings, resolved.notes)
    locked = lock(
        resolved, root=project.root, settings=tools.settings, run=tools.run, refresh=wishes.refresh, emit=emit
    )
    _tell(emit, locked.warnings, locked.notes)
    survey = _survey(project, emit) if wishes.with_source else Survey()
    secrets = build_secrets(resolved, settings=tools.settings, run=tools.run)
    inputs = PlanInputs(
        resolved=resolved,
        locked=locked,
        schema=None if document is None else dumps(document, pretty=len(models) > 1 and not wishes.schema),
        bundle=key_of(resolved.python, resolved.platform),
        created=EPOCH if tools.settings.source_date_epoch is None else tools.settings.source_date_epoch,
        base=_base(resolved, wishes, tools, emit),
        weights=survey.large,
        secrets=frozenset(secrets),
        with_source=wishes.with_source,
    )
    plan = _labelled(calls.build_plan(tools.plugins, inputs, emit), inputs, wishes, tools, emit)
    return Draft(
        project=project,
        resolved=resolved,
        locked=locked,
        schema=document,
        plan=plan,
        survey=survey,
        bundle=inputs.bundle,
        secrets=secrets,
    )


def read_models(project: Project) -> tuple[ModelSchema, ...]:
    """Read what the project predicts and trains, the prediction first.

    Raises:
        SchemaError: Neither can be described; the problems of both at once.
    """
    config, problems = project.config, list[Problem]()
    batched = config.concurrency is not None and config.concurrency.batch is not None
    models: list[ModelSchema] = []
    for reference, mode, key in ((config.predict, Mode.PREDICT, "run"), (config.train, Mode.TRAIN, "train")):
        if reference is None:
            continue
        try:
            models.append(
                read_model(
                    project.root,
                    reference,
                    mode=mode,
                    origin=project.loaded.origin(_key(project, key)),
                    batched=batched and mode is Mode.PREDICT,
                )
            )
        except SchemaError as error:
            problems.extend(error.problems)
    if problems:
        raise SchemaError(problems)
    return tuple(models)


def openapi(project: Project, emit: Emit = ignore) -> dict[str, Any] | None:
    """Return the OpenAPI document of a project's model; None when it has none.

    Args:
        project: The project.
        emit: Hears what works but should be looked at.

    Raises:
        SchemaError: The model cannot be described.
    """
    models = read_models(project)
    _tell(emit, [warning for model in models for warning in model.warnings], ())
    return _document(models)


def _survey(project: Project, emit: Emit) -> Survey:
    """Look at the author's files, and warn when the model's own is left out: such an image ends at its start."""
    context = BuildContext.of_project(project.root)
    for key, reference in (("run", project.config.predict), ("train", project.config.train)):
        file = posixpath.normpath((reference or "").rpartition(":")[0])
        if reference and context.rules.excludes(file):
            emit(
                Warned(
                    message=f"the model is in {file}, which .dockerignore leaves out of the image",
                    origin=project.loaded.origin(_key(project, key)),
                    hint=f"Write !{file} below the line that covers it.",
                )
            )
    return context.survey(LARGE)


def _key(project: Project, key: str) -> str:
    """Return the key as today's files have it, or ``predict`` where only that is written."""
    return key if project.loaded.origin(key).line else "predict" if key == "run" else key


def _document(models: tuple[ModelSchema, ...]) -> dict[str, Any] | None:
    if not models:
        return None
    first, *others = models
    document = to_openapi(first, train=others[0] if others else None, version=COMPATIBLE_COG_VERSION)
    check(document, *models)
    return document


def _base(resolved: ResolvedBuild, wishes: Wishes, tools: Tools, emit: Emit) -> tuple[str, str] | None:
    """Return the base that somebody asked for, and who; None leaves it to the backend."""
    if wishes.base:
        return wishes.base, "it was asked for"
    if tools.settings.base_image:
        return tools.settings.base_image, "COG_BASE_IMAGE asks for it"
    if chosen := calls.base_image(tools.plugins, resolved, emit):
        return chosen[0], f"{chosen[1]} asks for it"
    return None


def _labelled(plan: BuildPlan, inputs: PlanInputs, wishes: Wishes, tools: Tools, emit: Emit) -> BuildPlan:
    own = labels.write(
        config=inputs.resolved.config.to_json(),
        schema=inputs.schema,
        freeze=tuple(sorted((*inputs.locked.freeze, f"cog=={COMPATIBLE_COG_VERSION}"))),
        partial=bool(inputs.resolved.run or inputs.locked.unlocked),
        lock=inputs.locked.locked,
        builder=builder(),
        source=wishes.source,
    )
    plan = plan.with_labels(own)
    added = _of_plugins(calls.labels(tools.plugins, plan, inputs.resolved, emit))
    return plan.with_labels((*added.items(), *wishes.labels.items()))


def _of_plugins(answers: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    found: dict[str, tuple[str, str]] = {}
    for owner, name, value in answers:
        if name.startswith(labels.RESERVED):
            raise PluginError(f"{owner} sets the label {name!r}, which belongs to Cog")
        other, known = found.setdefault(name, (owner, value))
        if known != value:
            raise PluginError(
                f"two plugins set the label {name!r}: {other} to {known!r} and {owner} to {value!r}",
                hint="`cog plugins` lists the plugins; COG_DISABLE_PLUGINS switches some off.",
            )
    return {name: value for name, (_, value) in found.items()}


def _tell_of_plugins(emit: Emit, plugins: Plugins) -> None:
    for failed in plugins.failed:
        if not failed.is_off:
            hint = f"Mend it, or switch it off: COG_DISABLE_PLUGINS={failed.name}"
            emit(Warned(message=plugins.complaint(failed), hint=hint))


def builder() -> str:
    """Return the name and version of this program, as images are labelled with it."""
    return f"cog-core {version('cog-core')}"


def _tell(emit: Emit, warnings: Iterable[Problem], notes: Iterable[Noted]) -> None:
    for problem in warnings:
        emit(Warned(message=problem.message, origin=problem.origin, hint=problem.hint))
    for note in notes:
        emit(note)
