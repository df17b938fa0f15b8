"""``Input(...)``: what a model says about one of its inputs.

The module is callable: in the first generations of Cog ``@cog.input(...)`` was a decorator, and both spellings work.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Callable, Sequence

from cog._frozen import Frozen


class FieldInfo(Frozen):
    """What was said about an input; the constraints take effect through the schema of the image."""

    default: Any
    description: str | None
    ge: float | None
    le: float | None
    min_length: int | None
    max_length: int | None
    regex: str | None
    choices: Sequence[str | int | float] | None
    deprecated: bool | None
    accept: str | None

    def __init__(  # noqa: PLR0917 - the order of upstream's
        self,
        default: Any = None,
        description: str | None = None,
        ge: float | None = None,
        le: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        regex: str | None = None,
        choices: Sequence[str | int | float] | None = None,
        deprecated: bool | None = None,  # noqa: FBT001 - upstream's
        accept: str | None = None,
    ) -> None:
        self._fill(
            default=default,
            description=description,
            ge=ge,
            le=le,
            min_length=min_length,
            max_length=max_length,
            regex=regex,
            choices=choices,
            deprecated=deprecated,
            accept=accept,
        )


_NO_FACTORY: Any = object()


def Input(  # noqa: N802 - upstream's name
    default: Any = None,
    *,
    default_factory: Callable[[], Any] = _NO_FACTORY,
    description: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    regex: str | None = None,
    choices: Sequence[str | int | float] | None = None,
    deprecated: bool | None = None,
    accept: str | None = None,
) -> Any:
    """Say more about an input than its annotation does.

    Args:
        default: Value when a request has none; without it the input is required.
        default_factory: Not supported: defaults are part of the schema, which is made without running code.
        description: One sentence for people.
        ge: Smallest number allowed.
        le: Largest number allowed.
        min_length: Fewest characters allowed.
        max_length: Most characters allowed.
        regex: Pattern that a string must match somewhere.
        choices: The only values allowed.
        deprecated: Show that the input should not be used any more.
        accept: Media types of a file, as in HTML: ``image/*``.

    Raises:
        TypeError: ``default_factory`` was given.
    """
    if default_factory is not _NO_FACTORY:
        shown = _shown(default_factory)
        raise TypeError(
            "default_factory is not supported in Input(). "
            f"Use a literal default value instead: Input(default={shown})"
        )
    return FieldInfo(
        default, description, ge, le, min_length, max_length, regex, choices, deprecated=deprecated, accept=accept
    )


def _shown(factory: Callable[[], Any]) -> str:
    return {list: "[]", dict: "{}", str: '""'}.get(factory, "...")  # type: ignore[call-overload, no-any-return]


class _CallableModule(ModuleType):
    """A module that is also the decorator of the same name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        from cog._legacy import declare_input  # noqa: PLC0415 - old models only

        return declare_input(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
