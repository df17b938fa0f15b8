"""Which packages have to be installed, decided as ``apt-get install --no-install-recommends`` decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import attrs

from cog_core.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cog_backends.oci.debian.package import Package
    from cog_backends.oci.debian.relations import Alternatives, Relation

_PRIORITIES: Final = ("required", "important", "standard", "optional", "extra")


class Offer(Protocol):
    """What can be installed."""

    def candidates(self, name: str) -> tuple[Package, ...]:
        """Return the versions of a package, the newest first."""
        ...

    def providers(self, name: str) -> tuple[Package, ...]:
        """Return the packages that provide a name."""
        ...

    def near(self, name: str) -> tuple[str, ...]:
        """Return names that look like this one."""
        ...


def resolve(names: Iterable[str], offer: Offer, installed: Mapping[str, Package]) -> tuple[Package, ...]:
    """Return the packages to install, each after those that it depends on as far as there is no circle.

    Args:
        names: Packages as they are given to apt-get: ``name`` or ``name=version``.
        offer: What can be installed.
        installed: What is there already, by name; it is never changed.

    Raises:
        ResolveError: Names that nobody knows, or a dependency or a conflict that has no solution.
    """
    wanted = _find(tuple(names), offer, installed)
    state = _State(offer=offer)
    state.back_to(installed)
    for package in wanted:
        _or_explain(package, state, _choose_wanted)
    for package in wanted:
        _or_explain(package, state, _install)
    new = tuple(package for name, package in state.chosen.items() if package is not installed.get(name))
    return in_order(new)


@attrs.define
class _State:
    """What is chosen so far, found by each name it answers to and by each name it cannot stand."""

    offer: Offer
    chosen: dict[str, Package] = attrs.field(factory=dict)
    by_name: dict[str, list[Package]] = attrs.field(factory=dict)
    by_obstacle: dict[str, list[tuple[Package, Relation]]] = attrs.field(factory=dict)

    def choose(self, package: Package) -> None:
        self.chosen[package.name] = package
        for name in package.names:
            self.by_name.setdefault(name, []).append(package)
        for relation in package.obstacles:
            self.by_obstacle.setdefault(relation.name, []).append((package, relation))

    def back_to(self, chosen: Mapping[str, Package]) -> None:
        self.chosen, self.by_name, self.by_obstacle = {}, {}, {}
        for package in chosen.values():
            self.choose(package)

    def is_satisfied(self, group: Alternatives) -> bool:
        return any(package.answers(relation) for relation in group for package in self.by_name.get(relation.name, ()))


class _Impossible(Exception):
    """A package cannot be installed together with those chosen so far."""


def _find(names: tuple[str, ...], offer: Offer, installed: Mapping[str, Package]) -> list[Package]:
    found, problems = [], []
    for text in dict.fromkeys(names):
        match _find_one(text, offer):
            case str() as problem:
                problems.append(problem)
            case package:
                found.append(package)
    if problems:
        raise ResolveError(
            "\n".join(problems), hint="Correct the names; only the component main of the Debian archive is searched."
        )
    return [package for package in found if installed.get(package.name) != package]


def _find_one(text: str, offer: Offer) -> Package | str:
    name, _, version = text.partition("=")
    candidates = offer.candidates(name)
    if version and candidates:
        exact = (package for package in candidates if package.version == version)
        known = ", ".join(package.version for package in candidates)
        return next(exact, None) or f"package {name} has no version {version}, only {known}"
    providers = candidates[:1] or offer.providers(name)
    if len(providers) == 1:
        return providers[0]
    if providers:
        choices = ", ".join(sorted(package.name for package in providers))
        return f"package {name} is a virtual package; choose one of: {choices}"
    near = offer.near(name)
    return f"there is no package {name}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _or_explain(package: Package, state: _State, action: Callable[[Package, _State], None]) -> None:
    try:
        action(package, state)
    except _Impossible as error:
        raise ResolveError(
            f"package {package.name} cannot be installed: {error}", hint="Leave it out, or ask for another package."
        ) from error


def _choose_wanted(package: Package, state: _State) -> None:
    _check_obstacles(package, state)
    state.choose(package)


def _install(package: Package, state: _State) -> None:
    """Choose a package and, first for each of its dependencies, the first alternative that can be had."""
    if state.chosen.get(package.name) is not package:
        state.choose(package)
    for group in package.depends:
        if not state.is_satisfied(group):
            _install_one_of(group, package, state)


def _install_one_of(group: Alternatives, package: Package, state: _State) -> None:
    reasons = []
    for candidate in _candidates(group, state):
        before = dict(state.chosen)
        try:
            _check_obstacles(candidate, state)
            _install(candidate, state)
        except _Impossible as error:
            state.back_to(before)
            reasons.append(str(error))
        else:
            return
    text = " | ".join(map(str, group))
    raise _Impossible("; ".join(reasons) or f"{package} depends on {text}, which is not to be had")


def _candidates(group: Alternatives, state: _State) -> Iterable[Package]:
    for relation in group:
        named = state.offer.candidates(relation.name)[:1]
        others = sorted(state.offer.providers(relation.name), key=_rank)
        for package in (*named, *others):
            if package.answers(relation) and package.name not in state.chosen:
                yield package


def _rank(package: Package) -> tuple[bool, int, str]:
    """Order providers as apt does: essential ones first, then by priority, then always in the same way."""
    priority = package.fields.get("Priority", "")
    rank = _PRIORITIES.index(priority) if priority in _PRIORITIES else len(_PRIORITIES)
    return not package.is_essential, rank, package.name


def _check_obstacles(package: Package, state: _State) -> None:
    """Refuse a package that cannot stand a chosen one, or that a chosen one cannot stand (policy 7.3, 7.4).

    A package that conflicts with a name which it provides itself means all the others that provide it.
    """
    for relation in package.obstacles:
        for other in state.by_name.get(relation.name, ()):
            if other.name != package.name and other.answers(relation):
                raise _Impossible(f"{package} conflicts with {other}")
    for name in package.names:
        for other, relation in state.by_obstacle.get(name, ()):
            if other.name != package.name and package.answers(relation):
                raise _Impossible(f"{other} conflicts with {package}")


def in_order(packages: Iterable[Package]) -> tuple[Package, ...]:
    """Return packages so that each comes after those of them that it depends on; circles break where they are met."""
    chosen = {package.name: package for package in packages}
    providers: dict[str, list[Package]] = {}
    for package in chosen.values():
        for name in package.names:
            providers.setdefault(name, []).append(package)
    done: dict[str, Package] = {}
    visited: set[str] = set()
    for root in sorted(chosen):
        stack = [(chosen[root], False)]
        while stack:
            package, is_ready = stack.pop()
            if is_ready:
                done[package.name] = package
            elif package.name not in visited:
                visited.add(package.name)
                stack.append((package, True))
                stack.extend((needed, False) for needed in reversed(_needed(package, providers)))
    return tuple(done.values())


def _needed(package: Package, providers: Mapping[str, list[Package]]) -> list[Package]:
    return [
        other
        for group in package.depends
        for relation in group
        for other in providers.get(relation.name, ())
        if other is not package and other.answers(relation)
    ]
