"""Plugins as people read them, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cog_cli.render.table import section
from cog_core.plugins.calls import order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cog_core.plugins import FailedPlugin, LoadedPlugin, Plugins
    from cog_core.plugins.calls import AddedCommand


def show_plugins(plugins: Plugins, added: Mapping[str, AddedCommand], failed: tuple[FailedPlugin, ...]) -> str:
    """Return a listing.

    Args:
        plugins: All plugins.
        added: The commands that they add.
        failed: What is wrong with commands.
    """
    broken = [each for each in (*plugins.failed, *failed) if not each.is_off]
    off = [each for each in plugins.failed if each.is_off]
    parts = [
        section("Plugins, in the order in which they are asked", [_row(each) for each in plugins.loaded]),
        section("Order of calls", [(hook, " > ".join(_names(names))) for hook, names in order(plugins).items()]),
        section("Commands", [_command(added[name]) for name in sorted(added)]),
        section("Does not work", [(each.name, each.distribution, each.reason) for each in broken]),
        section("Switched off", [(each.name, each.distribution) for each in off]),
    ]
    return "\n".join(filter(None, parts))


def plugins_document(
    plugins: Plugins, added: Mapping[str, AddedCommand], failed: tuple[FailedPlugin, ...]
) -> dict[str, Any]:
    """Return the listing as JSON values; the arguments are those of :func:`show_plugins`."""
    everything = (*plugins.failed, *failed)
    return {
        "loaded": [
            {
                **_source(each.name, each.distribution),
                "hooks": list(each.hooks),
                "backends": [name for name, owner in plugins.owners.items() if owner == each],
                "commands": sorted(name for name, one in added.items() if one.plugin.name == each.name),
            }
            for each in plugins.loaded
        ],
        "order": {hook: list(_names(names)) for hook, names in order(plugins).items()},
        "failed": [{**_source(e.name, e.distribution), "reason": e.reason} for e in everything if not e.is_off],
        "off": [_source(each.name, each.distribution) for each in everything if each.is_off],
    }


def _row(plugin: LoadedPlugin) -> tuple[str, str, str]:
    return (plugin.name, plugin.distribution, ", ".join(plugin.hooks) or "no hook")


def _command(added: AddedCommand) -> tuple[str, str, str]:
    return (added.command.name, added.plugin.distribution, added.command.summary)


def _names(names: Iterable[str]) -> Iterable[str]:
    """Return the names of plugins; core's own part goes by the name of what it is."""
    return ("cog itself" if name == "cog_core" else name for name in names)


def _source(name: str, distribution: str) -> dict[str, str]:
    of, _, version = distribution.rpartition(" ")
    return {"name": name, "distribution": of or distribution, "version": version if of else ""}
