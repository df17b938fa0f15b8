"""Decorators for the method that predicts."""

from __future__ import annotations

from typing import Any, Callable, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
"""Flags of code (``inspect.CO_GENERATOR`` and so on; importing ``inspect`` takes longer than all of this)."""


def _has(function: Any, *flags: int) -> bool:
    while hasattr(function, "__func__") or hasattr(function, "func"):  # a method, a partial
        function = getattr(function, "__func__", None) or function.func
    code = getattr(function, "__code__", None)
    return code is not None and any(code.co_flags & flag for flag in flags)


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
        if max > 1 and not _has(method, _COROUTINE, _ASYNC_GENERATOR):
            raise TypeError("concurrent max greater than 1 requires an async function")
        method.__cog_concurrent_max__ = max  # type: ignore[attr-defined]
        return method

    return mark if function is None else mark(function)


@overload
def batch(function: F) -> F: ...
@overload
def batch(function: None = None, *, max_size: int = 8, window: float = 0.01) -> Callable[[F], F]: ...
def batch(function: F | None = None, *, max_size: int = 8, window: float = 0.01) -> F | Callable[[F], F]:
    """Run requests that arrive together as one call of this method.

    Every parameter is a list with one value for each request, and the method returns a list of the same length, in
    the same order. An exception among its items fails the request at its place. Clients see a method for one request.

    Args:
        function: The method, when the decorator is used without arguments.
        max_size: Most requests of one call.
        window: Seconds that the first request waits for others.

    Raises:
        TypeError: An argument is no number, or the method is a generator, or this is no decorator.
        ValueError: ``max_size`` is below 1, or ``window`` is below 0.
    """
    if isinstance(max_size, bool) or not isinstance(max_size, int):
        raise TypeError("batch max_size must be an integer")
    if isinstance(window, bool) or not isinstance(window, (int, float)):
        raise TypeError("batch window must be a number")
    if max_size < 1:
        raise ValueError("batch max_size must be at least 1")
    if not 0 <= window < float("inf"):
        raise ValueError("batch window must be at least 0")

    def mark(method: F) -> F:
        if not callable(method):
            raise TypeError("batch must be used as @batch or @batch(max_size=..., window=...)")
        if _has(method, _GENERATOR, _ASYNC_GENERATOR):
            raise TypeError("a batched method returns a list, so it cannot be a generator")
        method.__cog_batch__ = (max_size, float(window))  # type: ignore[attr-defined]
        return method

    return mark if function is None else mark(function)
