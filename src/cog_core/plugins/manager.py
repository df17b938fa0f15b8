"""Loading plugins, one by one: a broken one is reported by its distribution and stops nobody else."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any, Final

import attrs
import pluggy

from cog_core.backend import BackendInfo
from cog_core.errors import PluginError
from cog_core.plugins.hooks import Hooks

if TYPE_CHECKING:
    from cog_core.settings import Settings

GROUP: Final = "cog"


@attrs.frozen
class LoadedPlugin:
    """A plugin that works: the name of its entry point, and the distribution that brought it."""

    name: str
    distribution: str


@attrs.frozen
class FailedPlugin:
    """A plugin that could not be used, and why."""

    name: str
    distribution: str
    reason: str


@attrs.frozen(kw_only=True)
class Plugins:
    """All plugins of one run.

    Attributes:
        hook: Calls hooks; see :class:`cog_core.plugins.hooks.Hooks`.
        loaded: What was loaded, in the order of names.
        failed: What was not.
        backends: Every registered backend by its name.
    """

    hook: Any = attrs.field(repr=False)
    loaded: tuple[LoadedPlugin, ...]
    failed: tuple[FailedPlugin, ...]
    backends: dict[str, BackendInfo]


def load(settings: Settings, *, core: object | None = None) -> Plugins:
    """Load every plugin of the entry-point group ``cog``.

    Args:
        settings: Says which plugins are switched off.
        core: Core's own implementations; they run last.

    Raises:
        PluginError: Two plugins register a backend of one name.
    """
    manager = pluggy.PluginManager("cog")
    manager.add_hookspecs(Hooks)
    if core is not None:
        manager.register(core, name="cog_core")
    loaded: list[LoadedPlugin] = []
    failed: list[FailedPlugin] = []
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda found: found.name):
        distribution = _distribution(entry)
        if entry.name in settings.disabled_plugins:
            failed.append(FailedPlugin(entry.name, distribution, "switched off by COG_DISABLE_PLUGINS"))
            continue
        try:
            _register(manager, entry)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, and must not stop us
            failed.append(FailedPlugin(entry.name, distribution, f"{type(error).__name__}: {error}"))
        else:
            loaded.append(LoadedPlugin(entry.name, distribution))
    backends = _backends(manager, {plugin.name: plugin for plugin in loaded}, failed)
    return Plugins(hook=manager.hook, loaded=tuple(loaded), failed=tuple(failed), backends=backends)


def _register(manager: pluggy.PluginManager, entry: importlib.metadata.EntryPoint) -> None:
    """Load and register a plugin; of one that does not fit the hooks, nothing stays registered."""
    plugin = entry.load()
    if manager.has_plugin(entry.name):
        raise ValueError(f"another plugin is named {entry.name!r} too")
    try:
        manager.register(plugin, name=entry.name)
    except Exception:
        if manager.has_plugin(entry.name):  # pluggy 1.6 keeps the hooks that came before the bad one
            manager.unregister(name=entry.name)
        raise


def _distribution(entry: importlib.metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"


def _backends(
    manager: pluggy.PluginManager, loaded: dict[str, LoadedPlugin], failed: list[FailedPlugin]
) -> dict[str, BackendInfo]:
    found: dict[str, BackendInfo] = {}
    owners: dict[str, str] = {}
    for implementation in manager.hook.cog_backends.get_hookimpls():
        plugin = loaded.get(implementation.plugin_name)
        distribution = plugin.distribution if plugin else implementation.plugin_name
        try:
            infos = _infos(implementation.function())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            failed.append(FailedPlugin(implementation.plugin_name, distribution, f"cog_backends: {error!r}"))
            continue
        for info in infos:
            if info.name in found:
                raise PluginError(
                    f"two plugins register a backend named {info.name!r}: {owners[info.name]} and {distribution}",
                    hint="Switch one of them off with COG_DISABLE_PLUGINS.",
                )
            found[info.name] = info
            owners[info.name] = distribution
    return dict(sorted(found.items()))


def _infos(answer: Any) -> list[BackendInfo]:
    infos = list(answer or ())
    if strange := [info for info in infos if not isinstance(info, BackendInfo)]:
        raise TypeError(f"{strange[0]!r:.80} is no BackendInfo")
    return infos
