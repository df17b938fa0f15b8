"""Plugins as strangers write them, and a project to plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from cog_core import process
from cog_core.backend import BackendInfo, BuildRequest, ImageInfo, Probe
from cog_core.draft import Wishes, draft
from cog_core.events import Emit, ignore
from cog_core.planner import make_plan
from cog_core.plugins import Plugins, hookimpl
from cog_core.plugins.hooks import Hooks
from cog_core.project import open_project
from cog_core.settings import Settings
from cog_core.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.ir import BuildPlan, Capability


class Core:
    """Plans as core does."""

    @staticmethod
    @hookimpl
    def cog_build_plan(inputs):
        return make_plan(inputs)


@attrs.frozen
class SmallBackend:
    """A backend that answers as it was told, and builds nothing."""

    answer: Probe

    def probe(self) -> Probe:
        return self.answer

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        return ImageInfo(image_id="sha256:0")


def info(
    name: str,
    *able: Capability,
    usable: bool = True,
    reason: str = "answers",
    declared: frozenset[Capability] | None = None,
    **probe: Any,
) -> BackendInfo:
    found = frozenset(able)
    answer = Probe(usable=usable, reason=reason, capabilities=found, **probe)
    return BackendInfo(
        name=name, summary=name, capabilities=declared or found, load=lambda settings: SmallBackend(answer)
    )


def plugins(*registered: object, backends: tuple[BackendInfo, ...] = ()) -> Plugins:
    """Return plugins that are objects of a test, beside core's own part."""
    manager = pluggy.PluginManager("cog")
    manager.add_hookspecs(Hooks)
    for plugin in (Core(), *registered):
        manager.register(plugin)
    return Plugins(hook=manager.hook, loaded=(), failed=(), backends={one.name: one for one in backends})


def planned(
    folder: Path, *registered: object, environ: dict[str, str] | None = None, emit: Emit = ignore, **wishes: Any
) -> BuildPlan:
    """Plan a project without a model and without packages, with plugins."""
    (folder / "cog.yaml").write_text('build:\n  python_version: "3.12"\n')
    settings = Settings.from_environ({"HOME": str(folder), **(environ or {})})
    tools = Tools(settings=settings, plugins=plugins(*registered), run=process.run)
    return draft(open_project(folder), Wishes(**wishes), tools, emit).plan
