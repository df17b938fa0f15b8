"""Decorators for the method that predicts."""

from __future__ import annotations

from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Callable, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])


@overload
def streaming(function: F) -> F: ...
@overload
def streaming(function: None = None) -> Callable[[F], F]: ...
def streaming(function: F | None = None) -> F | Callable[[F], F]:
    """Let clients of this method read its output as server-sent events.

    The schema reads the decorator when the image is built; at run time the method stays what it is.
    """
    return _unchanged if function is None else function


def _unchanged(function: F) -> F:
    return function


@overload
def concurrent(function: F) -> F: ...
@overload
def concurrent(function: None = None, *, max: int = 1) -> Callable[[F], F]: ...
def concurrent(function: F | None = None, *, max: int = 1) -> F | Callable[[F], F]:  # noqa: A002 - upstream's name
    """Say how many calls of this async method may run at the same time.

    Args:
        function: The method, when the decorator is used without arguments.
        max: At least 1; more than 1 needs an async method.

    Raises:
        TypeError: ``max`` is no integer, or the method is not async, or this is no decorator.
        ValueError: ``max`` is below 1.
    """
    if isinstance(max, bool) or not isinstance(max, int):
        raise TypeError("concurrent max must be an integer")
    if max < 1:
        raise ValueError("concurrent max must be at least 1")

    def mark(method: F) -> F:
        if not callable(method):
            raise TypeError("concurrent must be used as @concurrent or @concurrent(max=...)")
        if max > 1 and not (iscoroutinefunction(method) or isasyncgenfunction(method)):
            raise TypeError("concurrent max greater than 1 requires an async function")
        method.__cog_concurrent_max__ = max  # type: ignore[attr-defined]
        return method

    return mark if function is None else mark(function)
