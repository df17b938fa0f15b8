"""A value that must not be seen."""

from __future__ import annotations

import sys
from typing import Any

from cog._frozen import Frozen

_STARS = "**********"


class Secret(Frozen):
    """A text that printing does not show; :meth:`get_secret_value` returns it."""

    secret_value: str | None

    def __init__(self, secret_value: str | None = None) -> None:
        self._fill(secret_value=secret_value)

    def get_secret_value(self) -> str | None:
        """Return the hidden text."""
        return self.secret_value

    def __str__(self) -> str:
        """Return asterisks, or nothing when there is nothing to hide."""
        return _STARS if self.secret_value else ""

    def __repr__(self) -> str:
        """Return asterisks inside the name of the class."""
        return f"Secret({self})"

    @classmethod
    def validate(cls, value: Any) -> Secret:
        """Return the value as a secret."""
        return value if isinstance(value, Secret) else cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic 2 use this type in a model's own classes; pydantic calls this, so it is loaded then."""
        core = sys.modules["pydantic_core"].core_schema
        return core.no_info_plain_validator_function(cls.validate, serialization=core.to_string_ser_schema())

    @classmethod
    def __get_validators__(cls) -> Any:
        """Let pydantic 1 use this type in a model's own classes."""
        yield cls.validate
