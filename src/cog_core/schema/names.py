"""What a name in the source stands for, through imports, aliases, stars and attributes, across files."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from cog_core.schema.modules import Binding, Imported
from cog_core.schema.source import ProblemFound
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_core.errors import Problem
    from cog_core.schema.modules import Function, Module, Project

_MAX_STEPS: Final = 40
_MAX_BASES: Final = 200


@attrs.frozen(eq=False, repr=False)
class Scope:
    """A place in the source from which names are looked up.

    Attributes:
        module: The file.
        owner: The class whose body this is.
        values: Names that are already known, such as those of a comprehension.
    """

    module: Module
    owner: ast.ClassDef | None = None
    values: Mapping[str, object] = attrs.field(factory=dict)

    def with_values(self, values: Mapping[str, object]) -> Scope:
        """Return the scope with more names known."""
        return attrs.evolve(self, values={**self.values, **values})


@attrs.frozen(eq=False, repr=False)
class Defined:
    """A class, a function or a value of the project.

    Attributes:
        scope: Where names inside it are looked up.
    """

    name: str
    node: ast.ClassDef | Function | ast.expr
    scope: Scope


@attrs.frozen
class External(Frozen):
    """Something that is not part of the project.

    Attributes:
        name: Its dotted name.
        module: The module that the import names; empty for a builtin.
    """

    name: str
    module: str

    @property
    def word(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]

    @property
    def package(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


@attrs.frozen
class Unknown(Frozen):
    """A name that nothing binds.

    Attributes:
        module: The module of the project that should have it.
        problem: Why that module could not be read.
    """

    name: str
    module: str = ""
    problem: Problem | None = None


Symbol: TypeAlias = "Defined | External | Unknown"


@attrs.frozen(eq=False, repr=False)
class Resolver:
    """Looks names up in a project."""

    project: Project

    def resolve(self, node: ast.expr, scope: Scope) -> Symbol:
        """Return what ``name`` or ``name.attribute…`` stands for, aliases followed."""
        parts = _parts(node)
        if parts is None:
            return Unknown("")
        return self._from_scope(parts, scope, _MAX_STEPS)

    def word(self, node: ast.expr, scope: Scope) -> str:
        """Return the last part of the name that something has at home: ``Path`` for an alias of ``cog.Path``."""
        symbol = self.resolve(node, scope)
        return symbol.word if isinstance(symbol, External) else symbol.name.rpartition(".")[2]

    def lineage(self, start: Defined, *, steps: int = _MAX_STEPS) -> tuple[Symbol, ...]:
        """Return a class and all its bases, nearest first, each once."""
        found: list[Symbol] = []
        seen: set[object] = set()
        waiting: list[Symbol] = [start]
        while waiting and len(found) < _MAX_BASES:
            symbol = waiting.pop(0)
            identity = symbol.node if isinstance(symbol, Defined) else symbol.name
            if identity in seen:
                continue
            seen.add(identity)
            found.append(symbol)
            if isinstance(symbol, Defined) and isinstance(symbol.node, ast.ClassDef):
                waiting = [*self._bases(symbol.node, symbol.scope, steps - 1), *waiting]
        return tuple(found)

    def member(self, owner: Defined, name: str) -> Defined | None:
        """Return what the body of a class binds to a name; bases are not looked at."""
        if not isinstance(owner.node, ast.ClassDef):
            return None
        binding = self.project.body_of(owner.node).bindings.get(name)
        if binding is None or isinstance(binding, Imported):
            return None
        return Defined(name, binding, Scope(owner.scope.module, owner.node))

    def _bases(self, node: ast.ClassDef, scope: Scope, steps: int) -> Iterator[Symbol]:
        for base in node.bases:
            parts = _parts(base.value if isinstance(base, ast.Subscript) else base)
            if parts is not None:
                yield self._from_scope(parts, scope, steps)

    def _from_scope(self, parts: tuple[str, ...], scope: Scope, steps: int) -> Symbol:
        if scope.owner is not None:
            binding = self.project.body_of(scope.owner).bindings.get(parts[0])
            if binding is not None and not isinstance(binding, Imported):
                return self._walk(Defined(parts[0], binding, scope), parts[1:], steps)
        return self._from_module(parts, scope.module, steps)

    def _from_module(self, parts: tuple[str, ...], module: Module, steps: int) -> Symbol:
        name = parts[0]
        if steps <= 0 or not self.project.names.spend():
            return Unknown(".".join(parts))
        binding = module.names.bindings.get(name)
        if binding is not None:
            return self._bound(binding, parts, module, steps)
        stars = self.project.behind_stars(module)
        self.project.names.spend(len(stars))
        for other in stars:
            if name in other.names.bindings and not name.startswith("_"):
                return self._bound(other.names.bindings[name], parts, other, steps)
        return External(".".join(("builtins", *parts)), "") if hasattr(builtins, name) else Unknown(".".join(parts))

    def _bound(self, binding: Binding, parts: tuple[str, ...], module: Module, steps: int) -> Symbol:
        if isinstance(binding, Imported):
            return self._imported(attrs.evolve(binding, parts=(*binding.parts, *parts[1:])), steps - 1)
        return self._walk(Defined(parts[0], binding, Scope(module)), parts[1:], steps)

    def _walk(self, symbol: Defined, rest: tuple[str, ...], steps: int) -> Symbol:
        """Follow aliases, and attributes into the bodies of classes."""
        alias = _parts(symbol.node) if isinstance(symbol.node, ast.expr) else None
        if alias is not None:
            if alias[0] == symbol.name:  # NAME = NAME in a class means the one outside
                outside = symbol.scope.owner is not None
                return self._from_module((*alias, *rest), symbol.scope.module, steps - 1 if outside else 0)
            return self._from_scope((*alias, *rest), symbol.scope, steps - 1)
        if not rest:
            return symbol
        owners = self.lineage(symbol, steps=steps) if isinstance(symbol.node, ast.ClassDef) and steps > 0 else ()
        for owner in owners:
            found = self.member(owner, rest[0]) if isinstance(owner, Defined) else None
            if found is not None:
                return self._walk(found, rest[1:], steps - 1)
        return Unknown(".".join((symbol.name, *rest)))

    def _imported(self, imported: Imported, steps: int) -> Symbol:
        """Look for the longest part of the dotted path that is a module of the project, and for the rest in it."""
        if steps <= 0:
            return Unknown(".".join(imported.parts))
        missing: Unknown | None = None
        for length in range(len(imported.parts), 0, -1):
            try:
                module = self.project.find(imported.parts[:length], imported.folder)
            except ProblemFound as found:
                return Unknown(imported.parts[-1], imported.module, found.problem)
            if module is not None:
                symbol = self._from_names(imported.parts[length:], module, steps)
                if symbol is not None:
                    return symbol
                missing = Unknown(imported.parts[-1], imported.module)
        if imported.folder is not None:
            return self._in_package(imported, steps)
        return missing or External(".".join(imported.parts), imported.module)

    def _in_package(self, imported: Imported, steps: int) -> Symbol:
        """Look in the ``__init__.py`` of the folder itself: ``from . import name``."""
        try:
            path = self.project.inside(imported.folder / "__init__.py") if imported.folder else None
            module = self.project.open(path) if path else None
        except ProblemFound as found:
            return Unknown(imported.parts[-1], imported.module, found.problem)
        symbol = self._from_names(imported.parts, module, steps) if module else None
        return symbol or Unknown(imported.parts[-1] if imported.parts else "", imported.module)

    def _from_names(self, parts: tuple[str, ...], module: Module, steps: int) -> Symbol | None:
        if parts and (parts[0] in module.names.bindings or module.names.stars):
            symbol = self._from_module(parts, module, steps - 1)
            return None if isinstance(symbol, External) and symbol.package == "builtins" else symbol
        return None


def _parts(node: ast.AST) -> tuple[str, ...] | None:
    """Return ``("a", "b", "c")`` for ``a.b.c``, None for anything that is not such a name."""
    found: list[str] = []
    while isinstance(node, ast.Attribute):
        found.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return (node.id, *reversed(found))
