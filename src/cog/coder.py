"""Coders: how a model's own type becomes a JSON object and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Coder(ABC):
    """Translates one family of types; subclasses are registered with :meth:`register`."""

    _known: list[type[Coder]] = []  # noqa: RUF012 - one list for all coders, on purpose

    @staticmethod
    def register(coder: type[Coder]) -> None:
        """Make a coder known; the one registered last is asked first."""
        if coder not in Coder._known:
            Coder._known.insert(0, coder)

    @staticmethod
    def lookup(kind: type) -> Coder | None:
        """Return a coder for this type, or None when no registered one knows it."""
        found = (coder.factory(kind) for coder in Coder._known)
        return next((coder for coder in found if coder is not None), None)

    @staticmethod
    @abstractmethod
    def factory(kind: type) -> Coder | None:
        """Return a coder if this class knows the type."""

    @abstractmethod
    def encode(self, value: Any) -> dict[str, Any]:
        """Return the value as a JSON object."""

    @abstractmethod
    def decode(self, fields: dict[str, Any]) -> Any:
        """Return the value of a JSON object."""
