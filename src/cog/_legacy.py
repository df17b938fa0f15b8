"""The first generations of the SDK: ``cog.Model``, ``cog.Predictor`` and the decorator ``@cog.input``."""

from __future__ import annotations

import pathlib
from functools import wraps
from typing import Any, Callable, NamedTuple, Sequence

from cog._files import Path
from cog.predictor import BaseRunner

UNSPECIFIED: Any = object()
"""Stands for a default that was not given: the input is required."""

_TYPES = (str, int, float, bool, pathlib.Path, Path)
_BOOLEANS = {"true": True, "false": False}


class Model(BaseRunner):
    """A model whose inputs are declared with ``@cog.input``."""


class Predictor(BaseRunner):
    """The name of :class:`Model` between July and December 2021."""


class DeclaredInput(NamedTuple):
    """One input as ``@cog.input`` declared it."""

    name: str
    type: type
    default: Any
    min: float | None
    max: float | None
    options: tuple[Any, ...] | None
    help: str | None


def declare_input(  # noqa: PLR0917 - old models pass them by position
    name: str,
    type: type,  # noqa: A002 - upstream's name
    default: Any = UNSPECIFIED,
    min: float | None = None,  # noqa: A002 - upstream's name
    max: float | None = None,  # noqa: A002 - upstream's name
    options: Sequence[Any] | None = None,
    help: str | None = None,  # noqa: A002 - upstream's name
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an input of the decorated method (``@cog.input``); several stack in reading order.

    Args:
        name: Name of the parameter.
        type: ``str``, ``int``, ``float``, ``bool`` or ``Path``.
        default: Value when a request has none; None makes the input optional, no default makes it required.
        min: Smallest number allowed.
        max: Largest number allowed.
        options: The only values allowed, at least two.
        help: One sentence for people.

    Raises:
        ValueError: The declaration contradicts itself.
        TypeError: A default for a path.
    """
    declared = DeclaredInput(name, type, default, min, max, None if options is None else tuple(options), help)
    _check(declared)

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        function = getattr(method, "__wrapped__", method)
        already: tuple[DeclaredInput, ...] = getattr(method, "__cog_inputs__", ())
        if any(other.name == name for other in already):
            raise ValueError(f"{name} is already defined as an argument")
        return _calling(function, (declared, *already))

    return decorate


def _check(declared: DeclaredInput) -> None:
    kind = declared.type
    if kind not in _TYPES:
        known = ", ".join(sorted({each.__name__ for each in _TYPES}))
        raise ValueError(f"{kind} is not a valid input type. Valid types are: {known}")
    if (declared.min is not None or declared.max is not None) and kind not in {int, float}:
        raise ValueError(f"Non-numeric type {kind.__name__} cannot have min and max values")
    if issubclass(kind, pathlib.Path):
        if declared.options is not None:
            raise ValueError("File type cannot have options")
        if declared.default not in {UNSPECIFIED, None}:
            raise TypeError("Cannot use default with Path type")
    if declared.options is not None and len(declared.options) < 2:
        raise ValueError("Options list must have at least two items")


def _calling(function: Callable[..., Any], inputs: tuple[DeclaredInput, ...]) -> Callable[..., Any]:
    @wraps(function)
    def call(self: Any, **given: Any) -> Any:
        unknown = sorted(set(given) - names)
        if unknown:
            raise ValueError(f"Extraneous input keys: {', '.join(unknown)}")
        return function(self, **{**given, **{each.name: _value(each, given) for each in inputs}})

    names = {each.name for each in inputs}.union(_parameters(function))
    call.__cog_inputs__ = inputs  # type: ignore[attr-defined]
    return call


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that the method takes itself: some of its inputs may be declared by annotations alone."""
    code = function.__code__
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def _value(declared: DeclaredInput, given: dict[str, Any]) -> Any:
    if given.get(declared.name) is None:
        if declared.default is UNSPECIFIED:
            raise ValueError(f"Missing expected argument: {declared.name}")
        return declared.default
    value = _converted(declared, given[declared.name])
    if declared.max is not None and value > declared.max:
        raise ValueError(f"Value {value} is greater than the max value {declared.max}")
    if declared.min is not None and value < declared.min:
        raise ValueError(f"Value {value} is less than the min value {declared.min}")
    if declared.options is not None and value not in declared.options:
        known = ", ".join(map(str, declared.options))
        raise ValueError(f"Value {value} is not an option. Valid options are: {known}")
    return value


def _converted(declared: DeclaredInput, value: Any) -> Any:
    kind = declared.type
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() not in _BOOLEANS:
            raise ValueError(f"{declared.name}={value} is not a boolean")
        return _BOOLEANS[str(value).lower()]
    if issubclass(kind, pathlib.Path):
        return value if isinstance(value, pathlib.Path) else kind(value)
    try:
        return kind(value)  # type: ignore[call-arg]
    except (TypeError, ValueError):
        raise ValueError(f"Could not convert {declared.name}={value} to {kind.__name__}") from None
