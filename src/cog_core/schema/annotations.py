"""From an annotation to a shape."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import attrs

from cog_core.schema import complaints, vocabulary
from cog_core.schema.constants import Unreadable
from cog_core.schema.names import Defined, External, Unknown
from cog_core.schema.operations import Impossible, as_json
from cog_core.schema.place import MAX_DEPTH, Place
from cog_core.schema.records import Kind, kind_of, read_record
from cog_core.schema.shapes import Choice, ListOf, Scalar, Shape, base_of
from cog_core.schema.words import Use, Words, alternatives_of, arguments_of, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_core.errors import Problem
    from cog_core.schema.constants import Reader
    from cog_core.schema.names import Symbol

_OURS = frozenset({"builtins", "typing", "typing_extensions", "cog"})
_STEPS = 10
_MADE: dict[str, Shape] = {
    "TypedDict": Scalar.OBJECT,
    "namedtuple": ListOf(Scalar.ANYTHING),
    "TypeVar": Scalar.ANYTHING,
}


@attrs.frozen(eq=False, repr=False)
class Annotations:
    """Reads annotations.

    Attributes:
        constants: Reads the values of ``Literal`` and Enum classes.
        warn: Takes what works but should be looked at.
    """

    constants: Reader
    warn: Callable[[Problem], None]

    def shape(self, node: ast.expr, place: Place) -> Shape:
        """Return the shape that an annotation stands for.

        Raises:
            ProblemFound: It cannot be described.
        """
        if place.depth > MAX_DEPTH:
            raise place.wrong(
                node, f"type is nested too deeply: {place.text_of(node)}", "Write dict for a part of it."
            )
        if not self.constants.resolver.project.names.spend(_STEPS):
            raise place.wrong(
                node, f"the signature has too many parts to be read: {place.text_of(node)}", "Write dict for some."
            )
        words = Words(self.constants, self.shape)
        match node:
            case ast.Constant(value=str()):
                return self.shape(unquoted(node, place), place.deeper())
            case ast.Constant(value=None):
                return words.shape(Use("None", node, (), place)) or Scalar.ANYTHING
            case ast.BinOp(op=ast.BitOr()):
                return words.union(alternatives_of(node), node, place)
            case ast.Subscript(value=head):
                return self._named(words, head, Use("", node, arguments_of(node), place))
            case ast.Name() | ast.Attribute():
                return self._named(words, node, Use("", node, (), place))
        raise complaints.unsupported(node, place)

    def _named(self, words: Words, head: ast.expr, use: Use) -> Shape:
        symbol = self.constants.resolver.resolve(head, use.place.scope)
        if isinstance(symbol, Defined):
            return self._defined(symbol, use.node, use.place)
        word = symbol.word if isinstance(symbol, External) else symbol.name.rpartition(".")[2]
        if _is_language(symbol, word):
            found = words.shape(attrs.evolve(use, word=word))
            if found is not None:
                if word == "File":
                    self.warn(complaints.deprecated_file(head, use.place))
                return found
            if word in vocabulary.WORDS or (isinstance(symbol, External) and symbol.package in _OURS):
                raise complaints.unsupported(use.node, use.place, word)
        if isinstance(symbol, External) and not use.place.is_input and symbol.package in vocabulary.LIBRARIES:
            self.warn(complaints.any_value(head, use.place))
            return Scalar.ANYTHING
        raise complaints.unresolved(symbol, head, use.place)

    def _defined(self, symbol: Defined, node: ast.expr, place: Place) -> Shape:
        """Return the shape of a class of the project, or of what an alias stands for."""
        if isinstance(symbol.node, ast.ClassDef):
            return self._class(symbol, node, place)
        if not isinstance(symbol.node, ast.expr):
            raise complaints.unsupported(node, place)
        if not isinstance(symbol.node, ast.Call):
            return self.shape(symbol.node, place.deeper(symbol.scope))
        word = self.constants.resolver.word(symbol.node.func, symbol.scope)
        if word == "NewType" and len(symbol.node.args) == 2:
            return self.shape(symbol.node.args[1], place.deeper(symbol.scope))
        if word not in _MADE or (place.is_input and word != "TypedDict"):
            raise complaints.unsupported(node, place)
        return _MADE[word]

    def _class(self, symbol: Defined, node: ast.expr, place: Place) -> Shape:
        kind = kind_of(symbol, self.constants.resolver)
        if kind is Kind.FILE:
            return Scalar.FILE
        if kind is Kind.ENUM:
            return self._enum(symbol, node, place)
        if kind is Kind.PLAIN:
            raise complaints.no_type(node, place)
        if not place.is_input:
            return read_record(symbol, kind, place, self.constants.resolver, self.shape)
        if kind is Kind.TYPED_DICT:
            return Scalar.OBJECT
        raise complaints.no_input(kind, node, place)

    def _enum(self, symbol: Defined, node: ast.expr, place: Place) -> Shape:
        try:
            values = tuple(as_json(member) for member in self.constants.members(symbol))
        except (Unreadable, Impossible) as unreadable:
            raise complaints.unreadable_enum(node, place) from unreadable
        if not values or not all(isinstance(value, str | int | float) for value in values):
            raise complaints.unreadable_enum(node, place)
        return Choice(values, base_of(values))


def _is_language(symbol: Symbol, word: str) -> bool:
    """Whether a word means what Python or our SDK mean by it."""
    if word in vocabulary.BY_NAME:
        return True
    if isinstance(symbol, External):
        return symbol.package in vocabulary.LANGUAGE
    return isinstance(symbol, Unknown) and not symbol.module and symbol.problem is None
