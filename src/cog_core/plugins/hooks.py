"""The hooks that a plugin can implement. Marker and entry-point group are both called ``cog``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_core.backend import BackendInfo
    from cog_core.ir import BuildPlan
    from cog_core.planner import PlanInputs
    from cog_core.plugins.commands import CliCommand
    from cog_core.resolve import ResolvedBuild

hookspec = pluggy.HookspecMarker("cog")
hookimpl = pluggy.HookimplMarker("cog")


class Hooks:
    """Specifications; every implementation may leave out arguments that it does not need."""

    @hookspec
    def cog_backends(self) -> Iterable[BackendInfo]:
        """Register backends. Called once when plugins are loaded; must not import an engine's library.

        A name that is taken stays with the plugin that comes first, and ours come before all others.

        Example::

            @hookimpl
            def cog_backends():
                yield BackendInfo(name="kaniko", summary="builds in a cluster", capabilities=CAN, load=Kaniko)
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def cog_base_image(self, resolved: ResolvedBuild) -> str | None:
        """Name the base image for a project, or None to leave it to others. Called while a plan is made.

        The first answer counts; ``--base-image`` and ``COG_BASE_IMAGE`` come before all plugins.

        Example::

            @hookimpl
            def cog_base_image(resolved):
                return f"registry.example.com/python:{resolved.python.series}"
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def cog_build_plan(self, inputs: PlanInputs) -> BuildPlan | None:
        """Make the plan. Core's implementation makes it; a plugin wraps it and returns another plan.

        The plugin that comes first is the outermost: it gets what all others have made of the plan.

        Example::

            @hookimpl(wrapper=True)
            def cog_build_plan(inputs):
                plan = yield
                return plan.with_steps(Run(script="install-agent"), *plan.steps)
        """
        raise NotImplementedError

    @hookspec
    def cog_image_labels(self, plan: BuildPlan, resolved: ResolvedBuild) -> Mapping[str, str] | None:
        """Add labels. Names that start with ``run.cog.`` are core's; two values for one name are an error.

        Example::

            @hookimpl
            def cog_image_labels(plan, resolved):
                return {"com.example.team": "vision"}
        """
        raise NotImplementedError

    @hookspec
    def cog_cli_commands(self) -> Iterable[CliCommand]:
        """Add commands to ``cog``. Called for a word that is no command of ours, and for ``cog plugins``.

        Example::

            @hookimpl
            def cog_cli_commands():
                yield CliCommand(name="audit", summary="Check a project against the rules of the house", run=audit)
        """
        raise NotImplementedError
