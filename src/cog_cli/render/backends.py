"""The backends of this machine as people read them, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from cog_cli.render.table import section, table
from cog_core.engine_advice import way
from cog_core.plugins.manager import OURS
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cog_core.plugins import Candidate, FailedPlugin


@attrs.frozen(kw_only=True)
class Survey(Frozen):
    """What was found.

    Attributes:
        found: All backends in order of preference; what each lacks, if there is a plan.
        failed: Plugins that do not work.
        off: Plugins that are switched off.
        warnings: What else is to be said of plugins.
        asked: The backend that the environment or the project names.
        who_asks: Which of the two.
        has_plan: The current folder is a project that could be planned.
        problem: Why it could not.
    """

    found: tuple[Candidate, ...]
    failed: tuple[FailedPlugin, ...] = ()
    off: tuple[FailedPlugin, ...] = ()
    warnings: tuple[str, ...] = ()
    asked: str | None = None
    who_asks: str = "COG_BACKEND"
    has_plan: bool = False
    problem: str | None = None

    @property
    def taken(self) -> Candidate | None:
        """The backend that a build gets that asks for none."""
        able = (candidate for candidate in self.found if candidate.able)
        return next((candidate for candidate in able if self.asked in {None, candidate.info.name}), None)


def show_backends(survey: Survey) -> str:
    """Return a listing."""
    parts = [_block(candidate, survey) for candidate in survey.found]
    rows = [(plugin.name, plugin.distribution, plugin.reason) for plugin in survey.failed]
    off = [(plugin.name, plugin.distribution, plugin.reason) for plugin in survey.off]
    parts += filter(None, [section("Plugins that do not work", rows), section("Plugins that are not used", off)])
    if survey.problem:
        parts.append(f"What the backends lack for this project is not known: {survey.problem}\n")
    parts.append(_verdict(survey))
    return "\n".join(parts)


def backends_document(survey: Survey, others: Sequence[str]) -> dict[str, Any]:
    """Return the listing as JSON values."""
    taken = survey.taken
    return {
        "chosen": taken.info.name if taken else None,
        "asked": survey.asked,
        "plan": survey.has_plan,
        "plan_problem": survey.problem,
        "backends": [_entry(candidate) for candidate in survey.found],
        "failed_plugins": [
            {"name": plugin.name, "distribution": plugin.distribution, "reason": plugin.reason}
            for plugin in (*survey.failed, *survey.off)
        ],
        "namesakes": list(others),
    }


def _entry(candidate: Candidate) -> dict[str, Any]:
    probe = candidate.probe
    return {
        "name": candidate.info.name,
        "summary": candidate.info.summary,
        "distribution": candidate.owner,
        "usable": probe.usable,
        "able": candidate.able,
        "reason": probe.reason,
        "version": probe.version,
        "capabilities": _abilities(candidate),
        "lacks": [
            {
                "capability": need.capability.value,
                "subject": need.subject,
                "origin": str(need.origin) if need.origin else None,
            }
            for need in candidate.lacks
        ],
        "fix": probe.fix,
        "wrong": candidate.wrong,
        "details": dict(probe.details),
    }


def _block(candidate: Candidate, survey: Survey) -> str:
    probe = candidate.probe
    rows = [("is", candidate.info.summary)]
    rows += [("from", candidate.owner)] if not candidate.owner.startswith(f"{OURS} ") else []
    rows += [("here", probe.reason)]
    rows += [("version", probe.version)] if probe.version else []
    rows += [(name, value) for name, value in probe.details.items()]
    rows += [("can", ", ".join(_abilities(candidate)))] if probe.usable else []
    rows += [("lacks", _need(need)) for need in candidate.lacks]
    rows += [("wrong", candidate.wrong)] if candidate.wrong else []
    rows += [("fix", probe.fix)] if probe.fix and not probe.usable else []
    return f"{candidate.info.name}: {_state(candidate, survey)}\n{table(rows)}\n"


def _state(candidate: Candidate, survey: Survey) -> str:
    if not candidate.probe.usable:
        return "not usable here"
    if candidate is survey.taken:
        return "usable, and taken by default"
    return "usable, but not for this project" if candidate.lacks else "usable"


def _need(need: Any) -> str:
    return f"{need.capability.value}, for {need.subject}" + (f" ({need.origin})" if need.origin else "")


def _abilities(candidate: Candidate) -> list[str]:
    return sorted(capability.value for capability in candidate.probe.capabilities)


def _verdict(survey: Survey) -> str:
    taken = survey.taken
    if taken is not None:
        first = "it is the first that is usable" + (" and can build this project" if survey.has_plan else "")
        because = f"{survey.who_asks} names it" if survey.asked else first
        return f"{taken.info.name} is taken unless --backend says otherwise: {because}.\n"
    if survey.asked:
        return f"{survey.who_asks} asks for {survey.asked}, which cannot do it here.\n"
    fixes = [candidate.probe.fix for candidate in survey.found if candidate.probe.fix]
    return f"Nothing can build images here. {way(fixes[0])}.\n" if fixes else "Nothing can build images here.\n"
