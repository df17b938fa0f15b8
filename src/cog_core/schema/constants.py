"""The value of an expression, as far as it can be known without running anything."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from cog_core.schema import operations
from cog_core.schema.names import Defined, External, Scope
from cog_core.schema.operations import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.schema.names import Resolver
    from cog_core.schema.shapes import Json

_MAX_DEPTH: Final = 60
_STEP: Final = 5
_PATHS = frozenset(
    {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "cog.Path", "cog.types.Path", "os.path.join"}
)
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})


class Unreadable(Exception):
    """An expression whose value only a run of the program would show."""

    def __init__(self, node: ast.AST, reason: str = "") -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


@attrs.frozen(eq=False, repr=False)
class Reader:
    """Reads constant expressions."""

    resolver: Resolver

    def json(self, node: ast.expr, scope: Scope) -> Json:
        """Return the value of an expression as JSON would hold it.

        Raises:
            Unreadable: Its value cannot be known, or JSON has no such value.
        """
        try:
            return operations.as_json(self.value(node, scope))
        except operations.Impossible as error:
            raise Unreadable(node, str(error)) from error

    def value(self, node: ast.expr, scope: Scope, depth: int = 0) -> object:
        """Return the value of an expression as Python would hold it; sets keep their order.

        Raises:
            Unreadable: Its value cannot be known.
        """
        if depth > _MAX_DEPTH or not self.resolver.project.values.spend(_STEP):
            raise Unreadable(node, "it is too deep")
        handler = self._HANDLERS.get(type(node))
        if handler is None:
            raise Unreadable(node)
        try:
            value = handler(self, node, scope, depth + 1)
            if self.resolver.project.values.spend(operations.weight(value)):
                return value
        except operations.Impossible as error:
            raise Unreadable(node, str(error)) from error
        raise Unreadable(node, "it is too large")

    def is_enum(self, symbol: Defined) -> bool:
        """Whether a class of the project is an Enum."""
        if not isinstance(symbol.node, ast.ClassDef):
            return False
        return any(base.word in _ENUMS for base in self.resolver.lineage(symbol) if isinstance(base, External))

    def members(self, symbol: Defined, depth: int = 0) -> tuple[Member, ...]:
        """Return the members of an Enum class, aliases left out.

        Raises:
            Unreadable: A value cannot be known.
        """
        if not isinstance(symbol.node, ast.ClassDef):
            return ()
        scope = Scope(symbol.scope.module, symbol.node)
        words = {base.word for base in self.resolver.lineage(symbol) if isinstance(base, External)}
        found: dict[str, Member] = {}
        bindings = self.resolver.project.body_of(symbol.node).bindings
        if len(bindings) > operations.MAX_ITEMS or not self.resolver.project.names.spend(len(bindings)):
            raise Unreadable(symbol.node, "it is too large")
        for name, node in bindings.items():
            if isinstance(node, ast.expr) and not (name.startswith("_") and name.endswith("_")):
                if isinstance(node, ast.Call) and self.resolver.word(node.func, scope) == "auto":
                    value = _automatic(name, next(reversed(found.values()), None), len(found), words)
                else:
                    value = self.value(node, scope, depth)
                found.setdefault(repr(value), Member(name, value))
        return tuple(found.values())

    def _constant(self, node: ast.Constant, _scope: Scope, _depth: int) -> object:
        if node.value is None or isinstance(node.value, bool | str):
            return node.value
        if isinstance(node.value, int | float):
            return operations.number(node.value)
        raise Unreadable(node)

    def _text(self, node: ast.JoinedStr, scope: Scope, depth: int) -> object:
        pieces: list[object] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                if piece.format_spec is not None or piece.conversion != -1:
                    raise Unreadable(node)
                pieces.append(operations.text(self.value(piece.value, scope, depth)))
            else:
                pieces.append(self.value(piece, scope, depth))
        return operations.join("", pieces)

    def _name(self, node: ast.Name, scope: Scope, depth: int) -> object:
        if node.id in scope.values:
            return scope.values[node.id]
        return self._symbol(node, scope, depth)

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> object:
        if isinstance(self.resolver.resolve(node, scope), Defined):
            return self._symbol(node, scope, depth)
        owner = self.value(node.value, scope, depth)
        if isinstance(owner, Member) and node.attr in {"name", "value"}:
            return owner.name if node.attr == "name" else owner.value
        raise Unreadable(node)

    def _symbol(self, node: ast.expr, scope: Scope, depth: int) -> object:
        symbol = self.resolver.resolve(node, scope)
        if not isinstance(symbol, Defined):
            raise Unreadable(node)
        if self.is_enum(symbol):
            return self.members(symbol, depth)
        if not isinstance(symbol.node, ast.expr):
            raise Unreadable(node)
        value = self.value(symbol.node, symbol.scope, depth)
        owner = symbol.scope.owner
        if owner is not None and self.is_enum(Defined(owner.name, owner, Scope(symbol.scope.module))):
            return Member(symbol.name, value)
        return value

    def _items(self, nodes: list[ast.expr], scope: Scope, depth: int) -> Iterator[object]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                yield from operations.iterate(self.value(node.value, scope, depth))
            else:
                yield self._lazily(node, scope, depth)

    def _list(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope, depth: int) -> object:
        items = self._items(node.elts, scope, depth)
        if isinstance(node, ast.Set):
            return operations.unique(items)
        return tuple(items) if isinstance(node, ast.Tuple) else list(items)

    def _dict(self, node: ast.Dict, scope: Scope, depth: int) -> object:
        pairs: list[tuple[object, object]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                pairs.extend(operations.mapping(self.value(value, scope, depth)).items())
            else:
                pairs.append((self.value(key, scope, depth), self._lazily(value, scope, depth)))
        return operations.make_dict(pairs)

    def _lazily(self, node: ast.expr, scope: Scope, depth: int) -> object:
        """Return the value, or a mark for it: of a table of models only the names may be asked for."""
        try:
            return self.value(node, scope, depth)
        except Unreadable as unreadable:
            return operations.Hidden(unreadable)

    def _unary(self, node: ast.UnaryOp, scope: Scope, depth: int) -> object:
        return operations.unary(type(node.op), self.value(node.operand, scope, depth))

    def _binary(self, node: ast.BinOp, scope: Scope, depth: int) -> object:
        """Work a chain such as ``a + b + c`` off in a loop; it may be longer than the depth allowed."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        total = self.value(chain[-1].left, scope, depth)
        for link in reversed(chain):
            total = operations.binary(type(link.op), total, self.value(link.right, scope, depth))
        return total

    def _condition(self, node: ast.IfExp, scope: Scope, depth: int) -> object:
        test = operations.truth(self.value(node.test, scope, depth))
        return self.value(node.body if test else node.orelse, scope, depth)

    def _compare(self, node: ast.Compare, scope: Scope, depth: int) -> object:
        values = [self.value(each, scope, depth) for each in (node.left, *node.comparators)]
        return all(
            operations.compare(type(op), left, right)
            for op, left, right in zip(node.ops, values, values[1:], strict=False)
        )

    def _bool(self, node: ast.BoolOp, scope: Scope, depth: int) -> object:
        value: object = None
        for each in node.values:
            value = self.value(each, scope, depth)
            if operations.truth(value) is isinstance(node.op, ast.Or):
                break
        return value

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> object:
        owner = self.value(node.value, scope, depth)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            return operations.cut(owner, [end and self.value(end, scope, depth) for end in ends])
        return operations.pick(owner, self.value(node.slice, scope, depth))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope, depth: int) -> object:
        found = [self.value(node.elt, inner, depth) for inner in self._rounds(node.generators, scope, depth)]
        return operations.unique(found) if isinstance(node, ast.SetComp) else found

    def _dict_comprehension(self, node: ast.DictComp, scope: Scope, depth: int) -> object:
        return operations.make_dict(
            (self.value(node.key, inner, depth), self._lazily(node.value, inner, depth))
            for inner in self._rounds(node.generators, scope, depth)
        )

    def _rounds(self, generators: list[ast.comprehension], scope: Scope, depth: int) -> Iterator[Scope]:
        if not generators:
            yield scope
            return
        first, *others = generators
        if depth > _MAX_DEPTH:
            raise Unreadable(first.iter, "it is too deep")
        for item in operations.iterate(self.value(first.iter, scope, depth)):
            inner = scope.with_values(operations.unpack(_target(first.target), item))
            if all(operations.truth(self.value(test, inner, depth)) for test in first.ifs):
                yield from self._rounds(others, inner, depth + 1)

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> object:
        symbol = self.resolver.resolve(node.func, scope)
        if isinstance(symbol, External) and symbol.word == "get_args" and len(node.args) == 1:
            return self._literal(node.args[0], scope, depth)
        arguments = list(self._items(node.args, scope, depth))
        named = {word.arg or "**": self.value(word.value, scope, depth) for word in node.keywords}
        if not isinstance(symbol, External):
            if isinstance(node.func, ast.Attribute):
                return operations.method(node.func.attr, self.value(node.func.value, scope, depth), arguments, named)
            raise Unreadable(node)
        if symbol.name in _PATHS:
            return operations.join_path(arguments)
        return operations.function(symbol.name.removeprefix("builtins."), arguments, named)

    def _literal(self, node: ast.expr, scope: Scope, depth: int) -> object:
        """Return the values of ``Literal[…]``, which may be an alias."""
        symbol = self.resolver.resolve(node, scope)
        if isinstance(symbol, Defined) and isinstance(symbol.node, ast.expr):
            node, scope = symbol.node, symbol.scope
        if isinstance(node, ast.Subscript) and self.resolver.word(node.value, scope) == "Literal":
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return tuple(self._items(items, scope, depth))
        raise Unreadable(node)

    _HANDLERS: ClassVar[dict[type[ast.expr], Callable[..., object]]] = {
        ast.Constant: _constant,
        ast.JoinedStr: _text,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.List: _list,
        ast.Tuple: _list,
        ast.Set: _list,
        ast.Dict: _dict,
        ast.UnaryOp: _unary,
        ast.BinOp: _binary,
        ast.IfExp: _condition,
        ast.Compare: _compare,
        ast.BoolOp: _bool,
        ast.Subscript: _subscript,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _dict_comprehension,
        ast.Call: _call,
    }


def _automatic(name: str, last: Member | None, count: int, words: set[str]) -> object:
    """Return the value of ``auto()`` after ``count`` other members, as the class would choose it."""
    if "StrEnum" in words:
        return name.lower()
    before = last.value if last else 0
    number = before + 1 if isinstance(before, int) else count + 1
    return str(number) if "str" in words else number


def _target(node: ast.expr) -> str | tuple[str, ...]:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Tuple) and all(isinstance(each, ast.Name) for each in node.elts):
        return tuple(each.id for each in node.elts if isinstance(each, ast.Name))
    raise Unreadable(node)
