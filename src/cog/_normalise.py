"""From what a model returns to plain JSON values."""

from __future__ import annotations

import datetime as dt
import enum
import math
import os
from io import IOBase
from types import GeneratorType
from typing import Any, Callable, Iterable, Tuple, Union

Where = Tuple[Union[str, int], ...]
"""Keys and positions that lead from the outermost value to an inner one."""

OnFile = Callable[[Any, Where], Any]
"""Takes an ``os.PathLike`` or an open file and where it stands; returns what stands there instead."""


def plain(value: Any, on_file: OnFile, where: Where = ()) -> Any:  # noqa: PLR0911 - one line per kind
    """Return the value as dicts with text keys, lists, strings, numbers, booleans and None.

    Understands pydantic models of both generations, dataclasses, mappings, sequences, sets, generators,
    enumerations, dates, numpy scalars and arrays, and torch tensors, by what they offer: nothing is imported.
    Secrets become what printing them shows. Numbers that JSON does not have (NaN and the infinities) become None.

    Raises:
        TypeError: Something has no JSON form.
    """
    if isinstance(value, enum.Enum):
        return plain(value.value, on_file, where)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (os.PathLike, IOBase)):
        return on_file(value, where)
    if isinstance(value, dict):
        return {_key(key): plain(each, on_file, (*where, _key(key))) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, GeneratorType)):
        return _items(value, on_file, where)
    return plain(_simpler(value), on_file, where)


def _items(values: Iterable[Any], on_file: OnFile, where: Where) -> list[Any]:
    return [plain(each, on_file, (*where, index)) for index, each in enumerate(values)]


def _key(key: Any) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, (int, float, os.PathLike)):
        return str(key)
    number = getattr(key, "item", None)
    if callable(number):
        return _key(number())
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _simpler(value: Any) -> Any:
    kind = type(value)
    if callable(getattr(kind, "get_secret_value", None)):
        return str(value)  # asterisks: our secrets, and pydantic's
    if callable(getattr(kind, "model_dump", None)):
        return value.model_dump()
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # noqa: PLC0415 - loaded by whoever has one

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):
        return value.dict()
    for method in ("tolist", "to_list", "numpy"):
        if callable(getattr(kind, method, None)) and kind.__module__ != "builtins":
            return getattr(value, method)()
    raise TypeError(f"Object of type {kind.__name__} is not JSON serializable")
