"""System packages on top of a base that is made of Debian packages: only what they add or change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.archive import open_archive
from cog_backends.oci.debian.base import key_of
from cog_backends.oci.debian.configure import add_packages
from cog_backends.oci.debian.resolve import resolve
from cog_backends.oci.debian.tree import Tree
from cog_backends.oci.debian.unpack import unpack_all
from cog_core.errors import CogError
from cog_core.values import EPOCH
from cog_oci.frozen import Frozen
from cog_oci.whiteouts import whiteout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.oci.debian.base import BasePlan, DebianBase
    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.package import Package
    from cog_core.errors import Origin
    from cog_oci.entries import Entry

FORMAT: Final = 1
"""Counts changes of what is made of the same packages."""


@attrs.frozen(kw_only=True)
class SystemPlan(Frozen):
    """Which packages are added to a base; cheap to know.

    Attributes:
        base: What they are added to.
        packages: Each behind those that it depends on.
        key: Equal keys mean equal files.
        origin: Where the user asked for them.
    """

    base: BasePlan
    packages: tuple[Package, ...] = attrs.field(repr=False)
    key: str
    origin: Origin | None = None


@attrs.frozen(kw_only=True)
class SystemLayer(Frozen):
    """What packages add to a base.

    Attributes:
        entries: To be laid over the base, with whiteouts for what is removed.
        packages: ``name=version`` of each, sorted.
        key: Equal keys mean equal files.
    """

    entries: tuple[Entry, ...] = attrs.field(repr=False)
    packages: tuple[str, ...]
    key: str


def install_packages(
    base: DebianBase, names: tuple[str, ...], *, doors: Doors, origin: Origin | None = None
) -> SystemLayer:
    """Choose packages and install them on a base; arguments and errors as of the two steps."""
    return lay_over(base, plan_packages(base.plan, names, doors=doors, origin=origin), doors)


def plan_packages(
    base: BasePlan, names: tuple[str, ...], *, doors: Doors, origin: Origin | None = None
) -> SystemPlan:
    """Choose the packages that ``names`` need on top of a base.

    Args:
        base: What is there already.
        names: As for apt-get: ``name`` or ``name=version``.
        doors: Cache, network, programs.
        origin: Where the user asked for them; errors say so.

    Raises:
        ResolveError: Names that nobody knows, or packages that do not go together.
        BackendError: The mirror cannot be reached, or is not to be trusted.
    """
    installed = {package.name: package for package in base.packages}
    try:
        with open_archive(base.mirrors, base.codename, base.architecture, doors) as archive:
            packages = resolve(names, archive, installed)
    except CogError as error:
        error.origin = error.origin or origin
        raise
    return SystemPlan(
        base=base, packages=packages, key=key_of(packages, f"system {FORMAT} {base.key}"), origin=origin
    )


def lay_over(base: DebianBase, plan: SystemPlan, doors: Doors) -> SystemLayer:
    """Make the files that a plan adds to a base.

    Raises:
        UnsupportedPlan: Packages whose scripts have an effect that is not understood; all of them at once.
        BackendError: A package cannot be had, or is damaged.
    """
    unpacked = unpack_all(plan.packages, doors)
    tree = Tree(base.entries, mtime=EPOCH)
    before = tree.snapshot()
    try:
        add_packages(tree, unpacked, plan.base.architecture)
    except CogError as error:
        error.origin = error.origin or plan.origin
        raise
    return SystemLayer(
        entries=_changes(before, tree.snapshot()),
        packages=tuple(sorted(f"{package.name}={package.version}" for package in plan.packages)),
        key=plan.key,
    )


def _changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """Return what is new, changed or gone, with the folders above it, so that these keep owner and mode."""
    changed = {path for path, entry in after.items() if before.get(path) != entry}
    parents = {parent for path in changed for parent in _parents(path)}
    gone = [whiteout(path, mtime=EPOCH) for path in sorted(before.keys() - after.keys())]
    return (*(after[path] for path in sorted(changed | parents)), *gone)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
