"""Calls hooks one implementation at a time, so that what goes wrong can be laid at somebody's door.

What a plugin raises stops the work: that is how one can forbid a build. An answer that makes no sense is left out,
with a warning.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from cog_core.errors import CogError, PluginError
from cog_core.events import Warned
from cog_core.ir.plan import BuildPlan
from cog_core.plugins.commands import CliCommand
from cog_core.plugins.manager import WRAPPED, FailedPlugin, said
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pluggy

    from cog_core.events import Emit
    from cog_core.planner import PlanInputs
    from cog_core.plugins.manager import LoadedPlugin, Plugins
    from cog_core.resolve import ResolvedBuild

_SWITCH_OFF = "`cog plugins` lists the plugins; COG_DISABLE_PLUGINS switches some off."


@attrs.frozen(kw_only=True)
class AddedCommand(Frozen):
    """A command, and the plugin that adds it."""

    plugin: LoadedPlugin
    command: CliCommand


def base_image(plugins: Plugins, resolved: ResolvedBuild, emit: Emit) -> tuple[str, str] | None:
    """Return the base image that a plugin names, and who; None when nobody does.

    Raises:
        PluginError: A plugin failed.
    """
    for owner, answer in _answers(plugins, "cog_base_image", resolved=resolved):
        if isinstance(answer, str) and answer:
            return answer, owner
        if answer is not None:
            _left_out(emit, owner, f"cog_base_image returned {answer!r:.80} instead of an image's name")
    return None


def labels(plugins: Plugins, plan: BuildPlan, resolved: ResolvedBuild, emit: Emit) -> Iterator[tuple[str, str, str]]:
    """Yield who adds which label with which value.

    Raises:
        PluginError: A plugin failed.
    """
    for owner, answer in _answers(plugins, "cog_image_labels", plan=plan, resolved=resolved):
        pairs = dict(answer) if isinstance(answer, Mapping) else None
        if pairs is not None and all(isinstance(text, str) for pair in pairs.items() for text in pair):
            yield from ((owner, name, value) for name, value in pairs.items())
        elif answer is not None:
            _left_out(emit, owner, f"cog_image_labels returned {answer!r:.80}; labels are texts by name")


def commands(plugins: Plugins, ours: Collection[str]) -> tuple[dict[str, AddedCommand], tuple[FailedPlugin, ...]]:
    """Return the commands that plugins add, and what is wrong with others.

    Args:
        plugins: All plugins.
        ours: Names of our commands, which stay ours.
    """
    found: dict[str, AddedCommand] = {}
    failed: list[FailedPlugin] = []
    for each in _implementations(plugins, "cog_cli_commands"):
        plugin = plugins.named(each.plugin_name)
        problems: list[str] = []
        try:
            for command in _called(each, plugin.distribution, "cog_cli_commands", {}) or ():
                problem = _add(command, plugin, found, ours)
                problems += [problem] if problem else []
        except (CogError, TypeError) as error:
            problems.append(error.message if isinstance(error, CogError) else said(error))
        failed += [FailedPlugin(plugin.name, plugin.distribution, problem) for problem in problems]
    return found, tuple(failed)


def _add(command: Any, plugin: LoadedPlugin, found: dict[str, AddedCommand], ours: Collection[str]) -> str | None:
    """Take a command, or return why not."""
    if not isinstance(command, CliCommand):
        return f"cog_cli_commands gave {command!r:.80}, which is no CliCommand"
    if command.name in ours:
        return f"the command {command.name!r} is cog's own"
    if command.name in found:
        return f"the command {command.name!r} is there already, from {found[command.name].plugin.distribution}"
    found[command.name] = AddedCommand(plugin=plugin, command=command)
    return None


def order(plugins: Plugins) -> dict[str, tuple[str, ...]]:
    """Return the names of the plugins that implement each hook, in the order of calls."""
    hooks = {name for plugin in plugins.loaded for name in plugin.hooks}
    return {name: tuple(each.plugin_name for each in _implementations(plugins, name)) for name in sorted(hooks)}


def build_plan(plugins: Plugins, inputs: PlanInputs, emit: Emit) -> BuildPlan:
    """Return the plan as all plugins together make it.

    Raises:
        PluginError: A plugin failed, or nobody made a plan.
    """
    wrappers = [each for each in _implementations(plugins, WRAPPED) if each.wrapper]
    plan = None
    for owner, answer in _answers(plugins, "cog_build_plan", inputs=inputs):
        if isinstance(answer, BuildPlan):
            plan = answer
            break
        if answer is not None:
            _left_out(emit, owner, f"cog_build_plan returned {answer!r:.80} instead of a plan")
    if plan is None:
        raise PluginError("no plugin made a plan", hint=_SWITCH_OFF)
    for wrapper in reversed(wrappers):
        owner = plugins.named(wrapper.plugin_name).distribution
        answer = _wrapped(wrapper, owner, plan, inputs=inputs)
        if isinstance(answer, BuildPlan):
            plan = answer
        else:
            _left_out(emit, owner, f"cog_build_plan returned {answer!r:.80} instead of a plan")
    return plan


def _wrapped(wrapper: pluggy.HookImpl, owner: str, plan: BuildPlan, **given: Any) -> Any:
    """Run a wrapper around a plan that is there already."""
    generator: Any = _called(wrapper, owner, "cog_build_plan", given)
    if not isinstance(generator, Generator):
        return generator
    try:
        next(generator, None)
        generator.send(plan)
    except StopIteration as end:
        return end.value
    except CogError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(owner, "cog_build_plan", error) from error
    generator.close()
    return "twice"


def _answers(plugins: Plugins, hook: str, **given: Any) -> Iterator[tuple[str, Any]]:
    for each in _implementations(plugins, hook):
        if each.wrapper or each.hookwrapper:
            continue
        owner = plugins.named(each.plugin_name).distribution
        answer = _called(each, owner, hook, given)
        yield owner, answer


def _implementations(plugins: Plugins, hook: str) -> list[pluggy.HookImpl]:
    """Return who implements a hook, in the order of calls (pluggy documentation, "Call time order")."""
    return getattr(plugins.hook, hook).get_hookimpls()[::-1]  # type: ignore[no-any-return]


def _called(implementation: pluggy.HookImpl, owner: str, hook: str, given: Mapping[str, Any]) -> Any:
    arguments = [given[name] for name in implementation.argnames]
    try:
        answer = implementation.function(*arguments)
        # A hook that yields its answers runs here, so that its errors are told as its own.
        return list(answer) if isinstance(answer, Generator) and not implementation.wrapper else answer
    except CogError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(owner, hook, error) from error


def _failed(owner: str, hook: str, error: BaseException) -> PluginError:
    return PluginError(f"{owner} failed in {hook}: {said(error)}", hint=_SWITCH_OFF)


def _left_out(emit: Emit, owner: str, fact: str) -> None:
    emit(Warned(message=f"{owner}: {fact}, so it is left out", hint=_SWITCH_OFF))
