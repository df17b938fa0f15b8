"""The operations on constants that model source uses, each bounded in time and size."""

from __future__ import annotations

import ast
import itertools
import math
import operator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cog_core.schema.shapes import Json

MAX_ITEMS: Final = 10_000
"""Most items of a list that is worked out."""

MAX_CHARACTERS: Final = 100_000
"""Longest text that is worked out."""

MAX_WEIGHT: Final = 50_000
"""Heaviest value, parts of parts counted; 16 characters of a text weigh as much as a number."""

MAX_BITS: Final = 1_000
"""Largest integer, in bits; more than a JSON number means anywhere, and less than the exponent of a float."""


class Impossible(Exception):
    """An operation that Python would refuse, or that is too large to be worked out here."""


@attrs.frozen(eq=False, repr=False)
class Hidden:
    """A value that exists but cannot be known; only its use is an error."""

    reason: Exception


@attrs.frozen
class Member(Frozen):
    """A member of an Enum class."""

    name: str
    value: object


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what Python refuses into ``Impossible``."""
    try:
        yield
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise Impossible(str(error)) from error


def number(value: object) -> object:
    """Return a number, unless JSON could not hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Impossible("JSON has no such number")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise Impossible("the number is too large")
    return value


def sized(value: object) -> object:
    """Return a value, unless it is too large."""
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise Impossible("the text is too long")
    if isinstance(value, list | tuple | dict | range) and len(value) > MAX_ITEMS:
        raise Impossible("there are too many items")
    return number(value)


def weight(value: object) -> int:
    """Return how much a value weighs: 1 for a number, more for a text or a container.

    Raises:
        Impossible: More than ``MAX_WEIGHT``.
    """
    total = 0
    waiting = [value]
    while waiting:
        each = waiting.pop()
        total += 1 + (len(each) // 16 if isinstance(each, str) else 0)
        size = len(each) if isinstance(each, list | tuple | dict) else 0
        if total + size + len(waiting) > MAX_WEIGHT:
            raise Impossible("it is too large")
        if isinstance(each, dict):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
        elif isinstance(each, Member):
            waiting.append(each.value)
    return total


def as_json(value: object, depth: int = 20) -> Json:
    """Return a value as JSON would hold it; members of an Enum become their values."""
    if isinstance(value, Hidden):
        raise Impossible("one of the values cannot be known")
    if isinstance(value, Member):
        return as_json(value.value, depth)
    if depth <= 0:
        raise Impossible("it is nested too deeply")
    if isinstance(value, list | tuple | range):
        return tuple(as_json(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return {_key(key): as_json(item, depth - 1) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise Impossible("JSON has no such value")


def _key(key: object) -> str:
    """Return the key of a JSON object, as ``json.dumps`` makes it."""
    plain = as_json(key)
    if plain is None or isinstance(plain, bool):
        return {None: "null", True: "true", False: "false"}[plain]
    if isinstance(plain, int | float | str):
        return str(plain)
    raise Impossible("a key of a JSON object is a text")


def text(value: object) -> str:
    """Return ``str(value)`` of a text or a number."""
    if value is None or isinstance(value, str | int | float):
        return str(value)
    raise Impossible("its text depends on the class")


def join(separator: object, pieces: Iterable[object]) -> str:
    """Return ``separator.join(pieces)``."""
    parts = list(pieces)
    if not isinstance(separator, str) or not all(isinstance(part, str) for part in parts):
        raise Impossible("only texts can be joined")
    if sum(len(str(part)) + len(separator) for part in parts) > MAX_CHARACTERS:
        raise Impossible("the text is too long")
    return separator.join(map(str, parts))


def join_path(pieces: list[object]) -> str:
    """Return the parts of a path with ``/`` between them."""
    parts = [piece for piece in pieces if isinstance(piece, str)]
    if not parts or len(parts) != len(pieces):
        raise Impossible("a path is made of texts")
    return join("", [part if part.endswith("/") else f"{part}/" for part in parts[:-1]]) + parts[-1]


def iterate(value: object) -> Sequence[object]:
    """Return the items that a loop over a value sees."""
    if not isinstance(value, list | tuple | dict | range | str):
        raise Impossible("it has no items")
    sized(value)
    return list(value)


def unique(items: Iterable[object]) -> list[object]:
    """Return the items of a set in the order in which they were written."""
    return list({(type(item), repr(item)): item for item in items}.values())


def make_dict(pairs: Iterable[tuple[object, object]]) -> dict[object, object]:
    """Return a dictionary."""
    with refusals():
        return dict(pairs)


def mapping(value: object) -> dict[object, object]:
    """Return a value that must be a dictionary."""
    if isinstance(value, dict):
        return value
    raise Impossible("it is no dictionary")


def unpack(target: str | tuple[str, ...], item: object) -> dict[str, object]:
    """Return the names that one round of a loop binds."""
    if isinstance(target, str):
        return {target: item}
    items = iterate(item)
    if len(items) != len(target):
        raise Impossible("the items do not fit the names")
    return dict(zip(target, items, strict=True))


def unary(operation: type[ast.unaryop], value: object) -> object:
    """Return ``-value``, ``+value`` or ``not value``."""
    if operation is ast.Not:
        return not truth(value)
    if operation not in {ast.USub, ast.UAdd} or not isinstance(value, int | float):
        raise Impossible("only numbers have a sign")
    return -value if operation is ast.USub else +value


def binary(operation: type[ast.operator], left: Any, right: Any) -> object:
    """Return ``left operation right``."""
    work = _BINARY.get(operation)
    if work is None or isinstance(left, Hidden | Member) or isinstance(right, Hidden | Member):
        raise Impossible("the operation is not one of those understood")
    if operation in {ast.Mult, ast.Pow, ast.LShift}:
        _bound(operation, left, right)
    with refusals():
        return sized(work(left, right))


def _bound(operation: type[ast.operator], left: object, right: object) -> None:
    """Refuse what would be large before it is worked out."""
    if isinstance(left, float) or isinstance(right, float):
        return
    if operation is ast.Mult and not (isinstance(left, int) and isinstance(right, int)):
        times = left if isinstance(left, int) else right
        items = right if isinstance(left, int) else left
        if not isinstance(times, int) or not isinstance(items, list | tuple | str):
            raise Impossible("these cannot be multiplied")
        if times * max(len(items), 1) > MAX_ITEMS:
            raise Impossible("the result is too large")
    if operation is not ast.Mult and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operation is ast.Pow else left.bit_length() + right
        if bits > MAX_BITS:
            raise Impossible("the number is too large")


def _or(left: Any, right: Any) -> object:
    if isinstance(left, list) and isinstance(right, list):
        return unique([*left, *right])
    return left | right


def _minus(left: Any, right: Any) -> object:
    if isinstance(left, list) and isinstance(right, list):
        there = {(type(item), repr(item)) for item in right}
        return [item for item in left if (type(item), repr(item)) not in there]
    return left - right


_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], object]]] = {
    ast.Add: operator.add,
    ast.Sub: _minus,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.BitOr: _or,
}


def compare(operation: type[ast.cmpop], left: Any, right: Any) -> bool:
    """Return ``left operation right``."""
    work = _COMPARISONS.get(operation)
    if work is None:
        raise Impossible("the comparison is not one of those understood")
    with refusals():
        return bool(work(plain(left), plain(right)))


_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], object]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


def cut(value: Any, ends: Iterable[Any]) -> object:
    """Return ``value[start:stop:step]``."""
    if not isinstance(value, list | tuple | str | range):
        raise Impossible("it has no parts")
    with refusals():
        return value[slice(*ends)]


def pick(value: Any, key: Any) -> object:
    """Return ``value[key]``."""
    if not isinstance(value, list | tuple | str | range | dict):
        raise Impossible("it has no items")
    with refusals():
        return shown(value[key])


def truth(value: object) -> bool:
    """Return whether a value counts as true."""
    return bool(plain(value))


def shown(value: object) -> object:
    """Return a value that is going to be used, unless it cannot be known."""
    if isinstance(value, Hidden):
        raise Impossible(str(value.reason))
    return value


def plain(value: object) -> object:
    """Return a value of which nothing is hidden."""
    if isinstance(value, list | tuple):
        for item in value:
            shown(item)
    return shown(value)


def function(name: str, arguments: list[Any], named: dict[str, Any]) -> object:
    """Return the result of a builtin function."""
    work = _FUNCTIONS.get(name)
    if work is None or any(isinstance(each, Hidden | Member) for each in (*arguments, *named.values())):
        raise Impossible("the function is not one of those understood")
    for argument in arguments:
        sized(argument)
    with refusals():
        return sized(work(*arguments, **named))


def _dict(*pairs: Any, **named: Any) -> object:
    return dict(*pairs, **named)


def _sum(items: Any, start: Any = 0) -> object:
    if isinstance(start, list):  # a usual way to join lists; adding one after the other would take long
        return [*start, *itertools.chain.from_iterable(items)]
    return sum(map(_as_number, iterate(items)), _as_number(start))


def _as_number(value: object) -> Any:
    """Return a value that must be a number."""
    if isinstance(value, int | float):
        return value
    raise Impossible("it is no number")


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "list": list,
    "tuple": tuple,
    "set": lambda items=(): unique(items),
    "frozenset": lambda items=(): unique(items),
    "sorted": sorted,
    "reversed": lambda items: list(reversed(items)),
    "dict": _dict,
    "range": range,
    "enumerate": lambda *items: list(enumerate(*items)),
    "zip": lambda *items: list(zip(*items, strict=False)),
    "len": len,
    "min": min,
    "max": max,
    "sum": _sum,
    "abs": abs,
    "round": round,
    "str": lambda value="": text(value),
    "int": lambda value=0: int(value),
    "float": lambda value=0.0: float(value),
    "bool": lambda value=False: bool(value),
}


def method(name: str, owner: Any, arguments: list[Any], named: dict[str, Any]) -> object:
    """Return the result of a method of a text, a list or a dictionary."""
    if name == "join" and isinstance(owner, str) and len(arguments) == 1 and not named:
        return join(owner, iterate(arguments[0]))
    for kind, names in _METHODS.items():
        if isinstance(owner, kind) and name in names:
            sized(owner)
            with refusals():
                result = getattr(owner, name)(*arguments, **named)
                return shown(result if isinstance(result, str | bool) or name == "get" else sized(list(result)))
    raise Impossible("the method is not one of those understood")


_METHODS: Final[dict[type, frozenset[str]]] = {
    str: frozenset(
        {
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "title",
            "capitalize",
            "split",
            "startswith",
            "endswith",
            "removesuffix",
        }
    ),
    dict: frozenset({"keys", "values", "items", "get", "copy"}),
    list: frozenset({"copy"}),
}
