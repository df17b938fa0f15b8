"""Metrics of a prediction, as the worker reports them one by one."""

from __future__ import annotations

from typing import Any, Dict

Metrics = Dict[str, Any]


def apply(metrics: Metrics, name: str, mode: str, value: Any) -> None:
    """Put a metric where its dotted name says.

    Args:
        metrics: Changed in place.
        name: Segments separated by dots.
        mode: ``replace`` (None as value deletes), ``increment``, or ``append``.
        value: The value, or what is added.
    """
    *folders, last = name.split(".")
    holder = metrics
    for folder in folders:
        inner = holder.get(folder)
        if not isinstance(inner, dict):
            inner = holder[folder] = {}
        holder = inner
    if mode == "increment":
        held = holder.get(last)
        holder[last] = value + held if isinstance(held, (int, float)) else value
    elif mode == "append":
        held = holder.get(last)
        holder[last] = [*held, value] if isinstance(held, list) else [value]
    elif value is None:
        holder.pop(last, None)
    else:
        holder[last] = value
