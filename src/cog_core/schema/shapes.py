"""What a value looks like: the shapes that inputs and outputs can have."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, Union

import attrs

from cog_oci.frozen import Frozen

Json: TypeAlias = Union[bool, int, float, str, "tuple[Json, ...]", "dict[str, Json]", None]
"""A value that JSON can hold; lists are tuples."""


class Scalar(str, Enum):
    """Shapes without parts."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    FILE = "file"
    """A URL or data URL outside, a path inside the model."""
    SECRET = "secret"  # noqa: S105 - the name of a shape
    OBJECT = "object"
    """A JSON object of which nothing more is known."""
    TIME = "time"
    """A date, or a date with a time, in the form of ISO 8601."""
    ANYTHING = "anything"
    """Any JSON value at all."""


@attrs.frozen
class ListOf(Frozen):
    """A JSON array whose items share one shape."""

    item: Shape


@attrs.frozen
class TupleOf(Frozen):
    """A JSON array of fixed length, with a shape for each place."""

    items: tuple[Shape, ...]


@attrs.frozen
class MapOf(Frozen):
    """A JSON object whose values share one shape."""

    value: Shape


@attrs.frozen
class Choice(Frozen):
    """One of some fixed values.

    Attributes:
        base: The shape that the values share; ANYTHING when they are mixed.
    """

    values: tuple[Json, ...]
    base: Scalar


@attrs.frozen
class OneOf(Frozen):
    """Any of several shapes."""

    members: tuple[Shape, ...]


@attrs.frozen
class Nullable(Frozen):
    """A shape, or null."""

    of: Shape


@attrs.frozen
class Stream(Frozen):
    """Items that arrive one after the other.

    Attributes:
        joined: The items are pieces of one text.
    """

    item: Shape
    joined: bool = False


@attrs.frozen
class Field(Frozen):
    """A field of a record."""

    name: str
    shape: Shape
    required: bool


@attrs.frozen
class Record(Frozen):
    """A JSON object with known fields.

    Attributes:
        name: The class.
        kind: What the class derives from, such as ``BaseModel``.
    """

    name: str
    kind: str
    fields: tuple[Field, ...]


Shape: TypeAlias = Scalar | ListOf | TupleOf | MapOf | Choice | OneOf | Nullable | Stream | Record


def base_of(values: tuple[Json, ...]) -> Scalar:
    """Return the shape that some values share, ANYTHING when they are mixed."""
    found = {_SCALARS.get(type(value), Scalar.ANYTHING) for value in values}
    if found == {Scalar.INTEGER, Scalar.NUMBER}:
        return Scalar.NUMBER
    return found.pop() if len(found) == 1 else Scalar.ANYTHING


_SCALARS = {str: Scalar.STRING, bool: Scalar.BOOLEAN, int: Scalar.INTEGER, float: Scalar.NUMBER}
