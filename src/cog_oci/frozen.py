"""How values compare, hash and print: by their fields, with three methods for all classes.

attrs writes and compiles these three for each class on its own. That is two thirds of the time that making a class
takes, and classes are made anew each time the program starts (docs/decisions/0017-a-quick-start.md).
"""

from __future__ import annotations

from typing import Any, cast

import attrs


class Frozen:
    """The base of a class that ``attrs.frozen`` makes: equal is what is of the same class and has equal fields.

    A field with ``eq=False`` does not count, one with ``hash=False`` does not make the hash, and one with
    ``repr=False`` is not shown, as attrs has it. A class may define any of the three methods itself.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Put the methods into the class itself, where attrs looks whether it has to write them."""
        super().__init_subclass__(**options)
        for name in ("__eq__", "__hash__", "__repr__"):
            method = getattr(Frozen, name)
            if getattr(cls, name) is method:
                setattr(cls, name, method)

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same class, with equal fields."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(
            getattr(self, field.name) == getattr(other, field.name) for field in _fields(type(self)) if field.eq
        )

    def __hash__(self) -> int:
        """Return one number for equal values; fails with TypeError if a field has none."""
        counted = (field for field in _fields(type(self)) if (field.eq if field.hash is None else field.hash))
        return hash((type(self), *(getattr(self, field.name) for field in counted)))

    def __repr__(self) -> str:
        """Return the class and its fields, as they would be written."""
        shown = (
            f"{field.name}={repr(value) if field.repr is True else field.repr(value)}"
            for field in _fields(type(self))
            if field.repr
            for value in (getattr(self, field.name),)
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _fields(kind: type) -> tuple[attrs.Attribute[Any], ...]:
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cast("type[attrs.AttrsInstance]", kind))
    return fields
