"""Rules for metrics: names, types and modes (upstream's, with its texts)."""

from __future__ import annotations

from typing import Any

LONGEST_NAME = 128
MOST_SEGMENTS = 4
KINDS = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}
_MODES = {"replace": "replace", "increment": "increment", "incr": "increment", "append": "append"}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ALLOWED = _LETTERS | frozenset("0123456789_")


def mode_of(mode: str | None) -> str:
    """Return the mode by its full name.

    Raises:
        ValueError: There is no such mode.
    """
    if mode is None:
        return "replace"
    try:
        return _MODES[mode]
    except (KeyError, TypeError):
        raise ValueError(
            f"Invalid metric mode: {mode!r}. Expected 'replace', 'incr'/'increment', or 'append'."
        ) from None


def kind_of(value: Any) -> str:
    """Return the name of a metric value's type.

    Raises:
        TypeError: Metrics cannot have this type.
    """
    for known, name in KINDS.items():
        if isinstance(value, known):
            return name
    raise TypeError(
        f"Unsupported metric value type: {type(value).__name__}. Expected bool, int, float, str, list, or dict."
    )


def check_name(name: str) -> None:
    """Check a metric's name.

    Raises:
        ValueError: It is reserved, empty, too long, too deep, or has characters that are not allowed.
    """
    if name == "predict_time":
        raise ValueError("'predict_time' is reserved by the runtime")
    if name.startswith("cog."):
        raise ValueError("the 'cog.' prefix is reserved for system metrics")
    if not name:
        raise ValueError("metric name must not be empty")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"metric name must be {LONGEST_NAME} characters or fewer (got {len(name)} characters)")
    segments = name.split(".")
    if len(segments) > MOST_SEGMENTS:
        raise ValueError(
            f"metric name must have at most {MOST_SEGMENTS} dot-separated segments (got {len(segments)})"
        )
    if name.startswith("."):
        raise ValueError("metric name must not start with a dot")
    if name.endswith("."):
        raise ValueError("metric name must not end with a dot")
    for segment in segments:
        _check_segment(segment)


def _check_segment(segment: str) -> None:
    if not segment:
        raise ValueError("metric name must not contain empty segments (consecutive dots)")
    if segment[0] not in _LETTERS:
        raise ValueError(f"metric name segment '{segment}' must start with a letter")
    if "__" in segment:
        raise ValueError(f"metric name segment '{segment}' must not contain consecutive underscores")
    for character in segment:
        if character not in _ALLOWED:
            raise ValueError(f"metric name segment '{segment}' contains invalid character '{character}'")
    if segment.endswith("_"):
        raise ValueError(f"metric name segment '{segment}' must end with a letter or digit")
