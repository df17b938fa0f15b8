"""The running prediction as a model sees it: its context and its metrics."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any, Callable, Mapping, Sequence

from cog._metrics import KINDS, check_name, kind_of, mode_of

Sink = Callable[[str, str, Any], None]
"""Takes a metric: its name, the mode (``replace``, ``increment``, ``append``) and the value."""


class MetricRecorder:
    """Metrics of one prediction; they stand in its response beside ``predict_time``.

    A metric keeps its type until it is deleted. Dots in a name make nested objects.
    """

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink
        self._kinds: dict[str, str] = {}

    def record(self, key: str, value: Any, mode: str | None = None) -> None:
        """Record a metric.

        Args:
            key: Letters, digits, underscores, and dots between at most four segments; at most 128 characters.
            value: bool, int, float, str, list or dict.
            mode: ``replace`` (default), ``increment`` (or ``incr``) adds a number, ``append`` extends a list.

        Raises:
            ValueError: The name or the mode is not allowed.
            TypeError: The value's type is not allowed, or is not that of the earlier value.
        """
        check_name(key)
        mode = mode_of(mode)
        if value is None and mode == "replace":
            self.delete(key)
            return
        kind = kind_of(value)
        if mode == "increment" and kind not in {"int", "float"}:
            raise TypeError("Increment mode requires int or float")
        held = "list" if mode == "append" else kind
        known = self._kinds.setdefault(key, held)
        if known != held and not (mode == "increment" and {known, held} <= {"int", "float"}):
            raise TypeError(f"Metric '{key}' has type {known}, cannot set to {held} without deleting first")
        if self._sink is not None:
            self._sink(key, mode, value)

    def delete(self, key: str) -> None:
        """Forget a metric, and its type with it."""
        check_name(key)
        if self._kinds.pop(key, None) is not None and self._sink is not None:
            self._sink(key, "replace", None)

    def __setitem__(self, key: str, value: Any) -> None:
        """Record a metric; None deletes it."""
        self.record(key, value)

    def __delitem__(self, key: str) -> None:
        """Forget a metric."""
        self.delete(key)


class Scope:
    """What belongs to one prediction. Outside of predictions there is one that records nothing.

    In a batched method it belongs to all requests of the call: what is recorded is recorded for each of them, and its
    context is what they have in common. ``batch`` has a scope for each.

    Attributes:
        metrics: Its metrics.
    """

    def __init__(
        self, context: Mapping[str, str] | None = None, sink: Sink | None = None, batch: Sequence[Scope] = ()
    ) -> None:
        self.metrics = MetricRecorder(sink)
        self._context = dict(context or {})
        self._batch = tuple(batch)

    @property
    def batch(self) -> tuple[Scope, ...]:
        """The scopes of all requests of this call, in the order of its lists; without batching this one alone."""
        return self._batch or (self,)

    @property
    def context(self) -> dict[str, str]:
        """What the request carried as ``context``."""
        return self._context

    def record_metric(self, key: str, value: Any, mode: str | None = None) -> None:
        """Record a metric; see :meth:`MetricRecorder.record`."""
        self.metrics.record(key, value, mode)


_current: ContextVar[Scope | None] = ContextVar("cog_scope", default=None)


def current_scope() -> Scope:
    """Return the scope of the running prediction; never None."""
    return _current.get() or Scope()


def enter_scope(scope: Scope | None) -> None:
    """Make a scope current in this context; for the runtime."""
    _current.set(scope)


_told: set[str] = set()


def emit_metric(name: str, value: Any) -> None:
    """Record a metric: the older name of ``current_scope().record_metric``."""
    if "emit_metric" not in _told:
        _told.add("emit_metric")
        sys.stderr.write("cog.emit_metric() is deprecated; use cog.current_scope().record_metric() instead\n")
    current_scope().record_metric(name, value)


__all__ = [
    "KINDS",
    "MetricRecorder",
    "Scope",
    "current_scope",
    "emit_metric",
    "enter_scope",
]
