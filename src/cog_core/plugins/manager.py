"""Loading plugins, one by one: a broken one is reported by its distribution and stops nobody else."""

from __future__ import annotations

import functools
import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import pluggy

from cog_core.backend import BackendInfo
from cog_core.errors import Problem
from cog_core.events import ignore
from cog_core.ir.capabilities import Capability
from cog_core.plugins.hooks import Hooks
from cog_core.plugins.installed import entry_points
from cog_core.values import package_name
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from cog_core.events import Emit
    from cog_core.plugins.installed import EntryPoint
    from cog_core.settings import Settings

    _Found: TypeAlias = "tuple[bool, str, str, EntryPoint]"
    _Watch: TypeAlias = "Callable[[LoadedPlugin], AbstractContextManager[None]]"

GROUP: Final = "cog"
OURS: Final = "cog-core"
"""The distribution whose plugins come before all others."""
ALL: Final = "all"
"""Switches off, in place of names, every plugin that is not ours."""

WRAPPED: Final = "cog_build_plan"
"""The hook that plugins may wrap."""
_CORE: Final = "cog_core"
_BACKEND: Final = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")


@attrs.frozen
class LoadedPlugin(Frozen):
    """A plugin that works.

    Attributes:
        name: Of its entry point.
        distribution: Name and version of what brought it.
        hooks: Names of the hooks that it implements.
    """

    name: str
    distribution: str
    hooks: tuple[str, ...] = ()


@attrs.frozen
class FailedPlugin(Frozen):
    """A plugin that is not used, or of which a part is not, and why.

    Attributes:
        name: Of its entry point.
        distribution: Name and version of what brought it.
        reason: What is wrong, on one line.
        is_off: Nothing is wrong; the user switched it off.
    """

    name: str
    distribution: str
    reason: str
    is_off: bool = False


@attrs.frozen(kw_only=True)
class Plugins(Frozen):
    """All plugins of one run.

    Attributes:
        hook: The hooks; :mod:`cog_core.plugins.calls` calls them.
        loaded: What was loaded, in the order in which hooks are called: ours, then others by name.
        failed: What was not.
        backends: Every registered backend by its name.
        owners: Who registered each backend.
        warnings: What the user said of plugins and cannot have meant.
    """

    hook: Any = attrs.field(repr=False)
    loaded: tuple[LoadedPlugin, ...]
    failed: tuple[FailedPlugin, ...]
    backends: dict[str, BackendInfo]
    owners: Mapping[str, LoadedPlugin] = attrs.field(factory=dict)
    warnings: tuple[Problem, ...] = ()

    def named(self, name: str) -> LoadedPlugin:
        """Return a plugin by the name that it is registered under."""
        return next((known for known in self.loaded if known.name == name), LoadedPlugin(name, "a plugin"))

    def complaint(self, failed: FailedPlugin) -> str:
        """Return what is wrong as a sentence: with the whole plugin, or with a part where the rest is used."""
        what = "a part of " if any(known.name == failed.name for known in self.loaded) else ""
        return f"{what}the plugin {failed.name} of {failed.distribution} does not work: {failed.reason}"


def load(settings: Settings, *, core: object | None = None, emit: Emit = ignore) -> Plugins:
    """Load every plugin of the entry-point group ``cog``.

    Args:
        settings: Says which plugins are switched off.
        core: Core's own implementations; they run last.
        emit: Hears which plugin is waited for, when one takes long.
    """
    manager = pluggy.PluginManager("cog")
    manager.add_hookspecs(Hooks)
    if core is not None:
        manager.register(core, name=_CORE)
    failed: list[FailedPlugin] = []
    watch = functools.partial(_watched, settings, emit)
    entries = sorted(_entries(), key=lambda found: (not found[0], *found[1:3]))
    imported = dict(_imported(entries, settings.disabled_plugins, watch, failed))
    # pluggy calls whoever was registered last first; people read a list from its beginning.
    loaded = [_registered(manager, known, imported[known], failed) for known in reversed(imported)]
    found = tuple(known for known in reversed(loaded) if known is not None)
    backends, owners = _backends(manager, found, watch, failed)
    return Plugins(
        hook=manager.hook,
        loaded=found,
        failed=tuple(failed),
        backends=backends,
        owners=owners,
        warnings=tuple(_misnamed(settings.disabled_plugins, entries)),
    )


def _misnamed(off: Iterable[str], entries: list[_Found]) -> Iterator[Problem]:
    """Yield a warning for every name to switch off that nobody has, with what was probably meant."""
    names = {name for _, name, *_ in entries}
    for wrong in sorted(set(off) - names - {ALL}):
        import difflib  # noqa: PLC0415 - slow to load, and only needed for mistakes

        of_it = [name for _, name, _, entry in entries if package_name(entry.distribution) == package_name(wrong)]
        near = of_it or difflib.get_close_matches(wrong.lower(), [*names, ALL], n=1)
        meant = f"; did you mean {','.join(near)}?" if near else ""
        yield Problem(
            message=f"COG_DISABLE_PLUGINS names {wrong!r}, and no plugin has that name{meant}",
            hint="`cog plugins` lists the names.",
        )


def _imported(
    entries: list[_Found], off: Container[str], watch: _Watch, failed: list[FailedPlugin]
) -> Iterator[tuple[LoadedPlugin, object]]:
    names: set[str] = set()
    for is_ours, name, distribution, entry in entries:
        try:
            if name in off or (ALL in off and not is_ours):
                failed.append(FailedPlugin(name, distribution, "switched off by COG_DISABLE_PLUGINS", is_off=True))
            elif name in names or name == _CORE:
                failed.append(FailedPlugin(name, distribution, f"another plugin is named {name!r} too"))
            else:
                known = LoadedPlugin(name, distribution)
                with watch(known):
                    plugin = entry.load()
                yield known, plugin
                names.add(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, and must not stop us
            failed.append(FailedPlugin(name, distribution, said(error)))


def _watched(settings: Settings, emit: Emit, known: LoadedPlugin) -> AbstractContextManager[None]:
    if known.distribution.startswith(f"{OURS} "):
        return nullcontext()
    from cog_core.plugins.patience import told_when_slow  # noqa: PLC0415 - mostly there are only our own

    return told_when_slow(known.name, known.distribution, settings.probe_timeout, emit)


def _entries() -> Iterator[_Found]:
    for entry in entry_points(GROUP):
        is_ours = entry.distribution.replace("_", "-").lower() == OURS
        yield is_ours, entry.name, f"{entry.distribution} {entry.version}", entry


def said(error: BaseException) -> str:
    """Return an error on one line, with its kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _registered(
    manager: pluggy.PluginManager, known: LoadedPlugin, plugin: object, failed: list[FailedPlugin]
) -> LoadedPlugin | None:
    """Register a plugin; of one that does not fit the hooks, nothing stays registered."""
    try:
        manager.register(plugin, name=known.name)
    except Exception as error:  # noqa: BLE001 - as above
        if manager.has_plugin(known.name):  # pluggy 1.6 keeps the hooks that came before the bad one
            manager.unregister(name=known.name)
        failed.append(FailedPlugin(known.name, known.distribution, said(error)))
        return None
    hooks = sorted(caller.name for caller in manager.get_hookcallers(plugin) or ())
    unknown = [name for name in hooks if not hasattr(Hooks, name)]
    problems = [f"there is no hook {name}" for name in unknown]
    problems += [problem for caller in manager.get_hookcallers(plugin) or () for problem in _unusable(caller, plugin)]
    failed += [FailedPlugin(known.name, known.distribution, problem) for problem in problems]
    return attrs.evolve(known, hooks=tuple(name for name in hooks if name not in unknown))


def _unusable(caller: pluggy.HookCaller, plugin: object) -> Iterator[str]:
    """Yield why a wrapper is left out: around a plan one makes sense, in pluggy's present form."""
    for each in caller.get_hookimpls():
        if each.plugin is plugin and each.hookwrapper:
            yield f"{caller.name} is wrapped with hookwrapper=True, so it is left out; write wrapper=True"
        elif each.plugin is plugin and each.wrapper and caller.name != WRAPPED:
            yield f"{caller.name} cannot be wrapped, so that is left out; only {WRAPPED} can"


def _backends(
    manager: pluggy.PluginManager,
    loaded: tuple[LoadedPlugin, ...],
    watch: _Watch,
    failed: list[FailedPlugin],
) -> tuple[dict[str, BackendInfo], dict[str, LoadedPlugin]]:
    found: dict[str, BackendInfo] = {}
    owners: dict[str, LoadedPlugin] = {}
    implementations = {each.plugin_name: each for each in manager.hook.cog_backends.get_hookimpls()}
    for plugin in loaded:
        if plugin.name not in implementations:
            continue
        problems: list[str] = []
        try:
            for info in _answered(implementations[plugin.name], plugin, watch, problems):
                if info.name in found:
                    problems.append(
                        f"the backend {info.name!r} is there already, from {owners[info.name].distribution}"
                    )
                else:
                    found[info.name] = info
                    owners[info.name] = plugin
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            problems.append(said(error))
        failed += [FailedPlugin(plugin.name, plugin.distribution, f"cog_backends: {problem}") for problem in problems]
    return dict(sorted(found.items())), owners


def _answered(
    implementation: pluggy.HookImpl, plugin: LoadedPlugin, watch: _Watch, problems: list[str]
) -> Iterator[BackendInfo]:
    with watch(plugin):
        answer: Any = implementation.function()
        yield from _infos(answer, problems)


def _infos(answer: Iterable[Any] | None, problems: list[str]) -> Iterator[BackendInfo]:
    for info in answer or ():
        if problem := _what_is_wrong(info):
            problems.append(problem)
        else:
            yield info


def _what_is_wrong(info: Any) -> str | None:
    if not isinstance(info, BackendInfo):
        return f"{info!r:.80} is no BackendInfo"
    name, load, capabilities = _claims(info)
    if not isinstance(name, str) or not _BACKEND.fullmatch(name):
        return f"{name!r:.80} cannot be a backend's name"
    if not callable(load):
        return f"the backend {name!r} has no function that loads it"
    strange = [each for each in capabilities if not isinstance(each, Capability)]
    return f"the backend {name!r} declares {strange[0]!r:.80}, which is no capability" if strange else None


def _claims(info: Any) -> tuple[Any, Any, Any]:
    """Return name, loader and capabilities, of which strangers need not have checked the types."""
    return info.name, info.load, info.capabilities
