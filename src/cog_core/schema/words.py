"""The words of Python's type language as shapes: ``list[…]``, ``Optional[…]``, ``Iterator[…]`` and so on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs

from cog_core.schema import complaints, vocabulary
from cog_core.schema.constants import Unreadable
from cog_core.schema.names import External, Unknown
from cog_core.schema.place import MAX_DEPTH, Place
from cog_core.schema.shapes import (
    Choice,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Scalar,
    Shape,
    Stream,
    TupleOf,
    base_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cog_core.schema.constants import Reader
    from cog_core.schema.records import ReadShape

    _Handler: TypeAlias = Callable[["Words", "Use"], Shape]


_MAX_QUOTED = 4_000
"""Longest annotation in quotes; what is cut off there is no expression any more."""


@attrs.frozen(eq=False, repr=False)
class Use:
    """A word as it is used: ``Optional`` in ``Optional[str]``.

    Attributes:
        node: The whole expression.
        inside: What stands between the brackets.
    """

    word: str
    node: ast.expr
    inside: tuple[ast.expr, ...]
    place: Place


def arguments_of(node: ast.Subscript) -> tuple[ast.expr, ...]:
    """Return what stands between the brackets."""
    return tuple(node.slice.elts) if isinstance(node.slice, ast.Tuple) else (node.slice,)


def unquoted(node: ast.expr, place: Place) -> ast.expr:
    """Return the expression in a quoted annotation, with the position of the quotes.

    Raises:
        ProblemFound: The quotes hold no expression.
    """
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return node
    try:
        inner = ast.parse(node.value.strip()[:_MAX_QUOTED], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise place.wrong(node, f"unsupported type: {place.text_of(node)}", "The quotes hold no type.") from error
    for each in ast.walk(inner):
        ast.copy_location(each, node)
    return inner


@attrs.frozen(eq=False, repr=False)
class Words:
    """Reads what words of the type language stand for.

    Attributes:
        constants: Reads the values of ``Literal``.
        read: Reads the types between the brackets.
    """

    constants: Reader
    read: ReadShape

    def shape(self, use: Use) -> Shape | None:
        """Return the shape of a word; None when it is no word, or none for this purpose.

        Raises:
            ProblemFound: What stands between its brackets cannot be described.
        """
        if use.word in vocabulary.SCALARS:
            return vocabulary.SCALARS[use.word]
        handler = self._SHARED.get(use.word) or (None if use.place.is_input else self._OUTPUT_ONLY.get(use.word))
        if handler is not None:
            return handler(self, use)
        return None if use.place.is_input else vocabulary.OUTPUT_SCALARS.get(use.word)

    def union(self, nodes: Iterable[ast.expr], whole: ast.expr, place: Place) -> Shape:
        """Return the union of some alternatives, nested ones taken apart as Python does."""
        members: dict[Shape, None] = {}
        nullable = False
        for node in nodes:
            if self._is_none(node, place):
                nullable = True
                continue
            shape = self.read(node, place.deeper())
            nullable = nullable or isinstance(shape, Nullable)
            shape = shape.of if isinstance(shape, Nullable) else shape
            members.update(dict.fromkeys(shape.members if isinstance(shape, OneOf) else (shape,)))
        if not members:
            raise place.wrong(
                whole,
                "unsupported type: union inputs must include at least one non-None type"
                if place.is_input
                else f"unsupported type: {place.text_of(whole)}",
                "Write Optional[str], for example.",
            )
        alternatives = _merged(tuple(members))
        union = alternatives[0] if len(alternatives) == 1 else OneOf(alternatives)
        return Nullable(union) if nullable else union

    def _inner(self, use: Use, index: int = 0) -> Shape:
        return self.read(use.inside[index], use.place.deeper())

    def _map(self, use: Use) -> Shape:
        return Scalar.OBJECT if use.place.is_input or len(use.inside) != 2 else MapOf(self._inner(use, 1))

    def _list(self, use: Use) -> Shape:
        if not use.inside:
            return ListOf(Scalar.ANYTHING if use.place.is_input else Scalar.OBJECT)
        if len(use.inside) != 1:
            message = f"unsupported type: {use.word} expects exactly 1 type argument, got {len(use.inside)}"
            raise use.place.wrong(use.node, message, f"Write {use.word}[str], for example.")
        return ListOf(self._inner(use))

    def _iterable(self, use: Use) -> Shape:
        return self._stream(use) if use.place.yields and not use.place.is_input else self._list(use)

    def _tuple(self, use: Use) -> Shape:
        if not use.inside:
            return ListOf(Scalar.ANYTHING)
        if isinstance(use.inside[-1], ast.Constant) and use.inside[-1].value is Ellipsis:
            return ListOf(self._inner(use))
        return TupleOf(tuple(self._inner(use, index) for index in range(len(use.inside))))

    def _stream(self, use: Use) -> Shape:
        return Stream(self._inner(use) if use.inside else Scalar.ANYTHING)

    def _joined(self, use: Use) -> Shape:
        if use.inside and self._inner(use) is not Scalar.STRING:
            raise use.place.wrong(
                use.node,
                f"{use.word} element type must be str, got {use.place.text_of(use.inside[0])}",
                "Write Iterator[...] for items that are no pieces of text.",
            )
        return Stream(Scalar.STRING, joined=True)

    def _optional(self, use: Use) -> Shape:
        return self.union((*use.inside, ast.Constant(value=None)), use.node, use.place)

    def _unions(self, use: Use) -> Shape:
        return self.union(use.inside, use.node, use.place)

    def _wrapped(self, use: Use) -> Shape:
        if not use.inside:
            raise complaints.unsupported(use.node, use.place, use.word)
        if use.word == "Annotated" and any(self._is_opaque(each, use.place) for each in use.inside[1:]):
            return self._opaque(use.inside[0], use.place.deeper())
        return self._inner(use)

    def _literal(self, use: Use) -> Shape:
        values = tuple(self._literal_value(each, use) for each in use.inside)
        plain = tuple(value for value in values if value is not None)
        if not plain:
            raise complaints.unsupported(use.node, use.place, use.word)
        choice = Choice(plain, base_of(plain))
        return choice if len(plain) == len(values) else Nullable(choice)

    def _literal_value(self, node: ast.expr, use: Use) -> str | int | float | None:
        try:
            value = self.constants.json(node, use.place.scope)
        except Unreadable:
            value = ()
        if value is None or isinstance(value, str | int | float):
            return value
        text = use.place.text_of
        message = f"unsupported type: {text(use.node)}: {text(node)} is no literal"
        raise use.place.wrong(use.node, message, 'Write the values out: Literal["a", "b"].')

    def _nothing(self, use: Use) -> Shape:
        if use.place.is_input:
            raise complaints.unsupported(use.node, use.place, use.word)
        return Scalar.ANYTHING

    def _is_none(self, node: ast.expr, place: Place) -> bool:
        if isinstance(node, ast.Constant):
            return node.value in {None, "None"}
        is_name = isinstance(node, ast.Name | ast.Attribute)
        return is_name and self.constants.resolver.word(node, place.scope) in {"None", "NoneType"}

    def _is_opaque(self, node: ast.expr, place: Place) -> bool:
        symbol = self.constants.resolver.resolve(node, place.scope)
        if isinstance(symbol, External):
            return symbol.package == "cog" and symbol.word == "Opaque"
        return isinstance(symbol, Unknown) and symbol.name == "Opaque"

    def _opaque(self, node: ast.expr, place: Place) -> Shape:
        """Return the shape of a type that nobody looks into: an object or a list of them, perhaps optional."""
        node = unquoted(node, place)
        alternatives = self._alternatives(node, place)
        if alternatives is not None and place.depth < MAX_DEPTH:
            others = [each for each in alternatives if not self._is_none(each, place)]
            inner = self._opaque(others[0], place.deeper()) if len(others) == 1 else Scalar.OBJECT
            return inner if isinstance(inner, Nullable) or len(others) == len(alternatives) else Nullable(inner)
        head = node.value if isinstance(node, ast.Subscript) else node
        is_list = self.constants.resolver.word(head, place.scope) in vocabulary.LISTS
        return ListOf(Scalar.OBJECT) if is_list else Scalar.OBJECT

    def _alternatives(self, node: ast.expr, place: Place) -> tuple[ast.expr, ...] | None:
        """Return the members of a union, None for anything else."""
        if isinstance(node, ast.BinOp):
            return alternatives_of(node)
        word = self.constants.resolver.word(node.value, place.scope) if isinstance(node, ast.Subscript) else ""
        if isinstance(node, ast.Subscript) and word in {"Optional", "Union"}:
            none = (ast.Constant(value=None),) if word == "Optional" else ()
            return (*arguments_of(node), *none)
        return None

    _SHARED: ClassVar[dict[str, _Handler]] = {
        **dict.fromkeys(vocabulary.MAPS, _map),
        **dict.fromkeys(vocabulary.LISTS, _list),
        **dict.fromkeys(vocabulary.WRAPPERS, _wrapped),
        "Iterable": _iterable,
        "Optional": _optional,
        "Union": _unions,
        "Literal": _literal,
        "None": _nothing,
        "NoneType": _nothing,
    }
    _OUTPUT_ONLY: ClassVar[dict[str, _Handler]] = {
        **dict.fromkeys(vocabulary.SETS, _list),
        **dict.fromkeys(vocabulary.TUPLES, _tuple),
        **dict.fromkeys(vocabulary.STREAMS, _stream),
        **dict.fromkeys(vocabulary.JOINED_STREAMS, _joined),
    }


def alternatives_of(node: ast.expr) -> tuple[ast.expr, ...]:
    """Return ``(a, b, c)`` for ``a | b | c``."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        found.append(node.right)
        node = node.left
    return (node, *reversed(found))


def _merged(members: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return alternatives with all fixed values in one, as ``Literal["a"] | Literal["b"]`` means."""
    choices = [member for member in members if isinstance(member, Choice)]
    if len(choices) < 2:
        return members
    values = tuple(dict.fromkeys(value for choice in choices for value in choice.values))
    rest = [member for member in members if not isinstance(member, Choice)]
    return (Choice(values, base_of(values)), *rest)
