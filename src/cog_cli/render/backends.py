"""The backends of this machine as people read them, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cog_cli.render.table import section, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cog_core.plugins import Candidate, FailedPlugin


def show_backends(found: Sequence[Candidate], failed: Sequence[FailedPlugin], asked: str | None) -> str:
    """Return a listing.

    Args:
        found: All backends in order of preference.
        failed: Plugins that do not work.
        asked: What ``COG_BACKEND`` names.
    """
    taken = chosen(found, asked)
    parts = [_block(candidate, is_taken=candidate is taken) for candidate in found]
    broken = [(plugin.name, plugin.distribution, plugin.reason) for plugin in failed]
    parts += filter(None, [section("Plugins that do not work", broken)])
    parts.append(_verdict(taken, found, asked))
    return "\n".join(parts)


def chosen(found: Sequence[Candidate], asked: str | None) -> Candidate | None:
    """Return the backend that a plan without special needs gets, or None."""
    usable = (candidate for candidate in found if candidate.probe.usable)
    return next((candidate for candidate in usable if asked in {None, candidate.info.name}), None)


def backends_document(
    found: Sequence[Candidate], failed: Sequence[FailedPlugin], others: Sequence[str], asked: str | None
) -> dict[str, Any]:
    """Return the listing as JSON values."""
    taken = chosen(found, asked)
    return {
        "chosen": taken.info.name if taken else None,
        "backends": [
            {
                "name": candidate.info.name,
                "summary": candidate.info.summary,
                "usable": candidate.probe.usable,
                "reason": candidate.probe.reason,
                "version": candidate.probe.version,
                "capabilities": _abilities(candidate),
                "fix": candidate.probe.fix,
                "details": dict(candidate.probe.details),
            }
            for candidate in found
        ],
        "failed_plugins": [
            {"name": plugin.name, "distribution": plugin.distribution, "reason": plugin.reason} for plugin in failed
        ],
        "namesakes": list(others),
    }


def _block(candidate: Candidate, *, is_taken: bool) -> str:
    probe = candidate.probe
    state = ("usable, and taken by default" if is_taken else "usable") if probe.usable else "not usable here"
    rows = [("is", candidate.info.summary), ("here", probe.reason)]
    rows += [("version", probe.version)] if probe.version else []
    rows += [(name, value) for name, value in probe.details.items()]
    rows += [("can", ", ".join(_abilities(candidate)))] if probe.usable else []
    rows += [("fix", probe.fix)] if probe.fix and not probe.usable else []
    return f"{candidate.info.name}: {state}\n{table(rows)}\n"


def _abilities(candidate: Candidate) -> list[str]:
    return sorted(capability.value for capability in candidate.probe.capabilities)


def _verdict(taken: Candidate | None, found: Sequence[Candidate], asked: str | None) -> str:
    if taken is not None:
        because = "COG_BACKEND names it" if asked else "it is the first that is usable"
        return f"{taken.info.name} is taken unless --backend says otherwise: {because}.\n"
    fixes = [candidate.probe.fix for candidate in found if candidate.probe.fix]
    return f"Nothing can build images here. Try: {fixes[0]}\n" if fixes else "Nothing can build images here.\n"
