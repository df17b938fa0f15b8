"""What was said before the command's name, on top of what the environment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cog_core.settings import Settings


class Root:
    """The options of ``cog`` itself; there is one set of them in a process.

    Attributes:
        debug: Show tracebacks, and debug messages of containers.
        color: Whether colours are allowed.
        registry: Registry that ``cog login`` means; None leaves it to the environment.
        plugins: Whether plugins that are not ours may take part.
    """

    def __init__(self) -> None:
        self.debug = False
        self.color = True
        self.registry: str | None = None
        self.plugins = True


root = Root()


def settings() -> Settings:
    """Return the environment's settings with the root options applied.

    Raises:
        UsageError: The environment says something impossible.
    """
    import attrs  # noqa: PLC0415 - keeps the help quick

    from cog_core.settings import Settings  # noqa: PLC0415

    found = Settings.from_environ()
    return attrs.evolve(
        found,
        debug=found.debug or root.debug,
        color=found.color and root.color,
        registry=root.registry or found.registry,
        disabled_plugins=found.disabled_plugins | (frozenset() if root.plugins else {"all"}),
    )


def is_debug() -> bool:
    """Whether tracebacks are wanted; false when the environment cannot be read."""
    from cog_core.errors import CogError  # noqa: PLC0415

    try:
        return settings().debug
    except CogError:
        return root.debug


def may_color() -> bool:
    """Whether colours are allowed; false when the environment cannot be read."""
    from cog_core.errors import CogError  # noqa: PLC0415

    try:
        return settings().color
    except CogError:
        return False
