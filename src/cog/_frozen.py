"""Values that do not change, without what ``dataclasses`` costs: half of the time that importing the SDK takes."""

from __future__ import annotations

from typing import Any


class Frozen:
    """Equal when all attributes are; they are given once, to ``_fill``."""

    def _fill(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse."""
        raise AttributeError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse."""
        raise AttributeError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        """Compare class and attributes."""
        return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self) -> int:
        """Hash the attributes."""
        return hash(tuple(self.__dict__.values()))

    def __repr__(self) -> str:
        """Return what would make it."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({shown})"
