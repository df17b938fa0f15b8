"""Defaults as plain values: ``Input(default=3)`` in a signature becomes 3."""

from __future__ import annotations

from typing import Any, Callable

from cog.input import FieldInfo


def fill_defaults(method: Any) -> None:
    """Replace what ``Input`` returned by its default, in place, on the function under all decorators.

    What ``Input`` said is kept in ``__cog_fields__``, by parameter name. Something without a signature of its
    own is left alone.
    """
    function = innermost(method)
    if function is None:
        return
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    given = dict(zip(names[len(names) - len(defaults) :], defaults))
    given.update(function.__kwdefaults__ or {})
    fields = {name: value for name, value in given.items() if isinstance(value, FieldInfo)}
    if not fields:
        return
    function.__cog_fields__ = fields  # type: ignore[attr-defined]
    function.__defaults__ = tuple(map(_plain, defaults)) or None
    if function.__kwdefaults__:
        function.__kwdefaults__ = {name: _plain(value) for name, value in function.__kwdefaults__.items()}


def _plain(value: Any) -> Any:
    return value.default if isinstance(value, FieldInfo) else value


def innermost(method: Any) -> Callable[..., Any] | None:
    """Return the function under bound methods and decorators that use ``functools.wraps``; None if there is none."""
    while True:
        inner = getattr(method, "__wrapped__", None) or getattr(method, "__func__", None)
        if inner is None:
            return method if hasattr(method, "__code__") else None
        method = inner
