"""From a reference such as ``predict.py:Runner`` to something that can be called."""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple

from cog._defaults import fill_defaults, innermost
from cog.predictor import BasePredictor, BaseRunner
from cog_runtime.worker.signature import Converters, converters_of, defaults_of

if TYPE_CHECKING:
    from types import ModuleType

_ASYNC = 0x80 | 0x200
"""Flags of code that makes coroutines and async generators (``inspect.CO_COROUTINE``, ``CO_ASYNC_GENERATOR``)."""

_GENERATOR = 0x20 | 0x200
"""Flags of code that makes generators (``inspect.CO_GENERATOR``, ``CO_ASYNC_GENERATOR``)."""

_SIZE, _WINDOW = 8, 0.01
"""What ``@cog.batch`` means without arguments (``cog/_decorators.py``)."""

_USUAL_NAMES = ("Runner", "Predictor")


class Batching(NamedTuple):
    """How requests become one call.

    Attributes:
        size: Most requests of one call.
        window: Seconds that the first of them waits for others.
    """

    size: int
    window: float


class Model(NamedTuple):
    """What the worker runs.

    Attributes:
        call: Takes the inputs by name.
        converters: How texts become files and secrets, by input.
        is_async: The call returns a coroutine or an async generator.
        concurrency: What ``@cog.concurrent(max=...)`` says; None without it.
        batch: The call takes and returns lists, and how requests become one; None when it answers one request.
        defaults: What a batched call has in its lists where a request leaves an input out, by parameter.
        holder: The instance, or the function itself: where ``setup`` and ``healthcheck`` are looked for.
    """

    call: Callable[..., Any]
    converters: Converters
    is_async: bool
    concurrency: int | None
    holder: Any
    batch: Batching | None = None
    defaults: Mapping[str, Any] = {}


def load(reference: str, *, train: bool = False, holder: Any = None) -> Model:
    """Import the model's file and find what to call.

    Args:
        reference: ``file.py:Name``; without a name ``Runner``, then ``Predictor`` is tried.
        train: Look for ``train`` instead of ``run`` or ``predict``.
        holder: An instance that exists already, used when the reference names its class.

    Raises:
        AttributeError: The file does not define the name.
        TypeError: The class defines nothing to call, or two things.
    """
    file, _, name = reference.partition(":")
    module = import_file(file)
    target = getattr(module, name) if name else _usual(module, file)
    if isinstance(target, type):
        instance = holder if type(holder) is target else target()
        return _model(getattr(instance, "train" if train else _entry(target)), instance)
    return _model(target, target)


def import_file(file: str) -> ModuleType:
    """Import a file of the model's folder once; its name is that of the file, dotted when it lies deeper.

    Raises:
        FileNotFoundError: There is no such file.
    """
    path = os.path.abspath(file)  # noqa: PTH100 - a link keeps its name
    stem = os.path.relpath(path)[: -len(".py")] if path.endswith(".py") else os.path.relpath(path)
    parts = stem.split(os.sep)  # noqa: PTH206 - it may hold dots that go up
    name = ".".join(parts) if all(map(str.isidentifier, parts)) else parts[-1]
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == path:
        return sys.modules[name]
    folder = os.path.dirname(path)  # noqa: PTH120 - a string for sys.path
    if folder not in sys.path:
        sys.path.append(folder)
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no Python file: {file}")
    module = module_from_spec(spec)
    sys.modules[name] = module
    if len(parts) > 1:
        # Upstream names the module after the file alone.
        sys.modules.setdefault(parts[-1], module)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _usual(module: ModuleType, file: str) -> Any:
    for name in _USUAL_NAMES:
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"{file} defines neither {' nor '.join(_USUAL_NAMES)}")


def _entry(target: type) -> str:
    """Return the name of the method to call: that of the nearest of the model's own classes, as the schema has it."""
    for each in target.__mro__:
        if each is object or _is_ours(each):
            continue
        defined = [name for name in ("run", "predict") if name in vars(each) and callable(getattr(each, name))]
        if len(defined) == 2:
            return _one_of_two(target)
        if defined:
            return defined[0]
    raise TypeError(f"run or predict method not found: {target.__name__}")


def _one_of_two(target: type) -> str:
    declared = [name for name in ("run", "predict") if hasattr(getattr(target, name), "__cog_inputs__")]
    if len(declared) == 1:
        return declared[0]
    if issubclass(target, BasePredictor):
        return "predict"
    if issubclass(target, BaseRunner):
        return "run"
    raise TypeError(f"{target.__name__} must define either run() or predict(), not both")


def _is_ours(each: type) -> bool:
    return issubclass(BaseRunner, each) or each.__module__.startswith("cog.")


def _model(call: Any, holder: Any) -> Model:
    if not callable(call):
        raise TypeError(f"not callable: {call!r}")
    fill_defaults(call)
    inner = innermost(call) or innermost(type(call).__call__)
    flags = inner.__code__.co_flags if inner is not None else 0
    marked = getattr(inner, "__cog_batch__", None)
    return Model(
        call=call,
        converters=converters_of(call),
        is_async=bool(flags & _ASYNC),
        concurrency=getattr(inner, "__cog_concurrent_max__", None),
        holder=holder,
        batch=None if marked is None else Batching(*marked),
        defaults=defaults_of(inner) if inner is not None else {},
    )


def batched(model: Model, wanted: Mapping[str, Any] | None) -> Model:
    """Return the model with the batching that the server asks for, number by number, before that of its decorator.

    Raises:
        TypeError: The model cannot be batched.
    """
    asked = wanted or {}
    size, window = asked.get("size"), asked.get("window")
    if size is None and model.batch is None:
        return model
    usual = model.batch or Batching(_SIZE, _WINDOW)
    batch = Batching(size or usual.size, usual.window if window is None else window)
    inner = innermost(model.call)
    if inner is not None and inner.__code__.co_flags & _GENERATOR:
        raise TypeError("a batched method returns a list, so it cannot be a generator")
    return model._replace(batch=batch)
