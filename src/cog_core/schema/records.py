"""Classes of the project as types: which kind each is, and which fields it has."""

from __future__ import annotations

import ast
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from cog_core.errors import Problem
from cog_core.schema.names import Defined, External, Scope
from cog_core.schema.shapes import Field, Nullable, Record, Scalar, Shape, TupleOf
from cog_core.schema.source import ProblemFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_core.schema.names import Resolver
    from cog_core.schema.place import Place

    ReadShape: TypeAlias = Callable[[ast.expr, Place], Shape]


class Kind(Enum):
    """What instances of a class become in JSON."""

    ENUM = "Enum"
    TYPED_DICT = "TypedDict"
    MODEL = "BaseModel"
    DATACLASS = "dataclass"
    TUPLE = "NamedTuple"
    FILE = "Path"
    PLAIN = "class"


_ORDER = (
    (Kind.TYPED_DICT, frozenset({"TypedDict"})),
    (Kind.TUPLE, frozenset({"NamedTuple"})),
    (Kind.ENUM, frozenset({"Enum", "IntEnum", "StrEnum"})),
    (Kind.MODEL, frozenset({"BaseModel"})),
    (Kind.FILE, frozenset({"Path", "PosixPath", "PurePath"})),
)


def kind_of(symbol: Defined, resolver: Resolver) -> Kind:
    """Return what kind of class something is."""
    lineage = resolver.lineage(symbol)
    words = {base.word if isinstance(base, External) else base.name for base in lineage[1:]}
    for kind, names in _ORDER:
        if words & names:
            return kind
    if any(_is_dataclass(base, resolver) for base in lineage if isinstance(base, Defined)):
        return Kind.DATACLASS
    return Kind.PLAIN


def _is_dataclass(symbol: Defined, resolver: Resolver) -> bool:
    if not isinstance(symbol.node, ast.ClassDef):
        return False
    decorators = (each.func if isinstance(each, ast.Call) else each for each in symbol.node.decorator_list)
    return any(resolver.word(each, symbol.scope) == "dataclass" for each in decorators)


@attrs.frozen(eq=False, repr=False)
class _Declared:
    statement: ast.AnnAssign
    scope: Scope
    total: bool


def read_record(symbol: Defined, kind: Kind, place: Place, resolver: Resolver, read: ReadShape) -> Shape:
    """Return the shape of an instance: a record, or a tuple; a class that contains itself is an object there.

    Raises:
        ProblemFound: The type of a field cannot be described.
    """
    assert isinstance(symbol.node, ast.ClassDef)
    if symbol.node in place.owners:
        return Scalar.OBJECT
    inside = attrs.evolve(place.deeper(), owners=(*place.owners, symbol.node))
    fields = []
    for name, declared in _declared(symbol, resolver).items():
        shape = _field_shape(name, declared, inside, read)
        fields.append(Field(name, shape, _required(declared, shape, kind, resolver)))
    if kind is Kind.TUPLE:
        return TupleOf(tuple(field.shape for field in fields))
    return Record(symbol.node.name, kind.value, tuple(fields))


def _declared(symbol: Defined, resolver: Resolver) -> dict[str, _Declared]:
    """Return the fields of a class, those of its bases first."""
    found: dict[str, _Declared] = {}
    for base in reversed(resolver.lineage(symbol)):
        if isinstance(base, Defined) and isinstance(base.node, ast.ClassDef):
            if not resolver.project.names.spend(len(base.node.body)):
                break  # the next type that is read says that this goes too far
            scope = Scope(base.scope.module, base.node)
            total = not any(
                word.arg == "total" and isinstance(word.value, ast.Constant) and word.value.value is False
                for word in base.node.keywords
            )
            for statement in _annotated(base.node):
                if not _is_class_variable(statement, scope, resolver):
                    assert isinstance(statement.target, ast.Name)
                    found[statement.target.id] = _Declared(statement, scope, total)
    return found


def _annotated(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement


def _is_class_variable(statement: ast.AnnAssign, scope: Scope, resolver: Resolver) -> bool:
    return _wrapper(statement.annotation, scope, resolver) == "ClassVar" or (
        isinstance(statement.target, ast.Name) and statement.target.id == "model_config"
    )


def _wrapper(annotation: ast.expr, scope: Scope, resolver: Resolver) -> str:
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return resolver.word(head, scope)


def _field_shape(name: str, declared: _Declared, place: Place, read: ReadShape) -> Shape:
    try:
        return read(declared.statement.annotation, attrs.evolve(place, scope=declared.scope))
    except ProblemFound as found:
        problem = found.problem
        raise ProblemFound(
            Problem(message=f'field "{name}": {problem.message}', origin=problem.origin, hint=problem.hint)
        ) from found


def _required(declared: _Declared, shape: Shape, kind: Kind, resolver: Resolver) -> bool:
    if kind is Kind.TYPED_DICT:
        wrapper = _wrapper(declared.statement.annotation, declared.scope, resolver)
        return wrapper == "Required" or (declared.total and wrapper != "NotRequired")
    return not isinstance(shape, Nullable) and not _has_default(declared.statement.value, declared.scope, resolver)


def _has_default(value: ast.expr | None, scope: Scope, resolver: Resolver) -> bool:
    """Whether a field has a default; ``Field(description=…)`` and ``Field(...)`` give none."""
    if value is None or (isinstance(value, ast.Constant) and value.value is Ellipsis):
        return False
    if isinstance(value, ast.Call) and resolver.word(value.func, scope) in {"Field", "field"}:
        names = {word.arg for word in value.keywords}
        first = value.args[0] if value.args else None
        return bool(names & {"default", "default_factory"}) or _has_default(first, scope, resolver)
    return True
