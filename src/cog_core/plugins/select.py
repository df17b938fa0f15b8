"""Which backend does the work: the one asked for, else the first that is there and can do this plan."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.backend import RunsImages
from cog_core.engine_advice import way
from cog_core.errors import BackendUnavailable, UnknownBackend, UnsupportedPlan
from cog_core.events import ignore
from cog_core.ir import Capability, lacking, lower
from cog_core.ir.capabilities import of_platform
from cog_core.plugins.trust import Question, blamed
from cog_core.values import Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping
    from contextlib import AbstractContextManager

    from cog_core.backend import Backend, BackendInfo, Probe
    from cog_core.events import Emit
    from cog_core.ir import BuildPlan
    from cog_core.ir.capabilities import Requirement
    from cog_core.plugins.manager import Plugins
    from cog_core.settings import Settings

PREFERENCE: Final = ("docker", "podman", "buildkit", "oci")
"""The order in which backends are tried when nobody asks for one; others come after them, by name."""


@attrs.frozen(kw_only=True)
class Candidate(Frozen):
    """A backend, what its probe found, and what it lacks for a plan.

    Attributes:
        owner: Name and version of the distribution that brought it.
        wrong: What it claims wrongly, for a warning; None when all is well.
    """

    info: BackendInfo
    backend: Backend
    probe: Probe
    lacks: tuple[Requirement, ...] = ()
    owner: str = ""
    wrong: str | None = None

    @property
    def able(self) -> bool:
        """Usable here, and able to carry out the plan."""
        return self.probe.usable and not self.lacks

    @property
    def runner(self) -> RunsImages | None:
        """The backend, if it says that it runs images: a method of that name alone may be something else."""
        backend: object = self.backend
        says_so = Capability.RUN_IMAGES in self.probe.capabilities
        return backend if says_so and isinstance(backend, RunsImages) else None

    def blamed(self, emit: Emit = ignore) -> AbstractContextManager[Emit]:
        """Return the context for a call of the backend; see :func:`cog_core.plugins.trust.blamed`."""
        return blamed(self.info.name, self.owner, emit)


@attrs.frozen(kw_only=True)
class Choice(Frozen):
    """The backend that was chosen, the plan lowered for it, and the reason as one line."""

    candidate: Candidate
    plan: BuildPlan
    reason: str


def begin_to_choose(
    plugins: Plugins, settings: Settings, *, asked: str | None = None, project: str | None = None
) -> dict[str, Question]:
    """Begin to ask the backend that :func:`choose` will ask first, which mostly waits for an engine.

    Args:
        plugins: Where backends come from.
        settings: Passed to the backend.
        asked: The backend that somebody wants.
        project: The backend that the project's configuration names.

    Returns:
        The question by the backend's name; nothing where there is none of that name.
    """
    first = asked or settings.backend or project or min(plugins.backends, key=_rank, default="")
    return {first: _question(first, plugins, settings)} if first in plugins.backends else {}


def _question(name: str, plugins: Plugins, settings: Settings) -> Question:
    return Question(plugins.backends[name], settings, _owner(name, plugins))


def _owner(name: str, plugins: Plugins) -> str:
    return plugins.owners[name].distribution if name in plugins.owners else ""


def candidates(
    plugins: Plugins,
    settings: Settings,
    plan: BuildPlan | None = None,
    *,
    only: str | None = None,
    also: tuple[Requirement, ...] = (),
    begun: MutableMapping[str, Question] | None = None,
) -> Iterator[Candidate]:
    """Probe backends one after the other, in order of preference.

    Args:
        plugins: Where backends come from.
        settings: Passed to each backend.
        plan: Say what each lacks for this plan.
        only: Just the backend of this name.
        also: What is needed besides the plan.
        begun: Who has been asked already; who is asked now comes to it.

    Raises:
        UnknownBackend: There is none of that name.
    """
    questions = {} if begun is None else begun
    names = [only] if only else sorted(plugins.backends, key=_rank)
    for name in names:
        info = plugins.backends.get(name)
        if info is None:
            raise _unknown(name, plugins)
        if name not in questions:
            questions[name] = _question(name, plugins, settings)
        answer = questions[name].answer
        probe = answer.probe
        lacks = lacking(lower(plan, probe.capabilities), probe.capabilities) if plan and probe.usable else ()
        if probe.usable:
            more = (*(of_platform(plan, Platform.of_this_machine()) if plan else ()), *also)
            lacks += tuple(need for need in more if need.capability not in probe.capabilities)
        owner = _owner(name, plugins)
        yield Candidate(info=info, backend=answer.backend, probe=probe, lacks=lacks, owner=owner, wrong=answer.wrong)


def choose(
    plugins: Plugins,
    settings: Settings,
    plan: BuildPlan,
    *,
    asked: str | None = None,
    project: str | None = None,
    also: tuple[Requirement, ...] = (),
    begun: Mapping[str, Question] | None = None,
) -> Choice:
    """Choose the backend: ``asked``, then ``COG_BACKEND``, then the project's, then the first usable and able one.

    Args:
        plugins: Where backends come from.
        settings: Passed to each backend.
        plan: What is to be built.
        asked: The backend that somebody wants.
        project: The backend that the project's configuration names.
        also: What is needed besides the plan.
        begun: Who has been asked already, by :func:`begin_to_choose`.

    Raises:
        UnknownBackend: The one asked for does not exist.
        BackendUnavailable: The one asked for, or every one, cannot be used here.
        UnsupportedPlan: It works, but cannot do this plan; the message names each step and who could.
    """
    wanted = asked or settings.backend or project
    questions = dict(begun or {})
    tried: list[Candidate] = []
    for candidate in candidates(plugins, settings, plan, only=wanted, also=also, begun=questions):
        tried.append(candidate)
        if candidate.able:
            return Choice(
                candidate=candidate,
                plan=lower(plan, candidate.probe.capabilities),
                reason=_reason(tried, asked=asked, environment=settings.backend, project=project),
            )
    everybody = functools.partial(candidates, plugins, settings, plan, also=also, begun=questions)
    raise _nobody(tried, wanted, everybody, plugins)


def _reason(tried: list[Candidate], *, asked: str | None, environment: str | None, project: str | None) -> str:
    chosen = tried[-1]
    name = f"{chosen.info.name} ({chosen.probe.reason})"
    if asked:
        return f"{name}, as asked"
    if environment:
        return f"{name}, because of COG_BACKEND"
    if project:
        return f"{name}, because cog.yaml names it"
    passed = [f"{c.info.name}: {c.probe.reason if not c.probe.usable else _lack(c)}" for c in tried[:-1]]
    return f"{name}; not {'; not '.join(passed)}" if passed else f"{name}, the first that is usable"


def _lack(candidate: Candidate) -> str:
    return "cannot do " + ", ".join(dict.fromkeys(need.subject for need in candidate.lacks))


def _nobody(
    tried: list[Candidate], wanted: str | None, everybody: Callable[[], Iterator[Candidate]], plugins: Plugins
) -> BackendUnavailable | UnsupportedPlan:
    usable = [candidate for candidate in tried if candidate.probe.usable]
    if not usable:
        lines = "\n".join(f"  {c.info.name}: {c.probe.reason}" for c in tried)
        return BackendUnavailable(
            f"backend {wanted!r} cannot be used here\n{lines}" if wanted else f"no backend can be used here\n{lines}",
            hint=_way_out(tried, wanted, everybody),
        )
    lines = "\n".join(
        f"  {candidate.info.name} cannot do {need.subject}" + (f" ({need.origin})" if need.origin else "")
        for candidate in usable
        for need in candidate.lacks
    )
    others = [
        candidate.info.name
        for candidate in (everybody() if wanted else ())
        if candidate.info.name != wanted and candidate.able
    ]
    needs = {need.capability for need in usable[0].lacks}
    could = sorted(info.name for info in plugins.backends.values() if needs <= info.capabilities)
    fact = f"the backend {wanted} cannot do all of this" if wanted else "no usable backend can carry out this plan"
    return UnsupportedPlan(
        f"{fact}\n{lines}",
        hint=(
            f"Use --backend {others[0]}."
            if others
            else f"Backends that could: {', '.join(could)}; `cog backends` says what they need."
            if could
            else "No known backend can; leave that part out of cog.yaml."
        ),
        origin=usable[0].lacks[0].origin,
    )


def _way_out(tried: list[Candidate], wanted: str | None, everybody: Callable[[], Iterator[Candidate]]) -> str:
    """Say how to have what was asked for, and what works as it is."""
    fixes = [candidate.probe.fix for candidate in tried if candidate.probe.fix]
    able = [c.info.name for c in everybody() if c.able] if wanted else []
    first = way(fixes[0]) if fixes else ""
    if able:
        return f"{f'{first}, or use' if first else 'Use'} --backend {able[-1]}, which works here."
    return f"{first}." if first else "`cog backends` says what each backend needs."


def _unknown(name: str, plugins: Plugins) -> UnknownBackend:
    import difflib  # noqa: PLC0415 - slow to load, and only needed for mistakes

    near = difflib.get_close_matches(name, plugins.backends, n=1)
    return UnknownBackend(
        f"there is no backend named {name!r}",
        hint=(f"Did you mean {near[0]}? " if near else "") + f"Known backends: {', '.join(plugins.backends)}.",
    )


def _rank(name: str) -> tuple[int, str]:
    return (PREFERENCE.index(name) if name in PREFERENCE else len(PREFERENCE), name)
