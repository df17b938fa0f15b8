"""What models import.

Names load when they are first used (PEP 562): importing the package itself imports nothing but ``sys``, because
``python -m cog.server.http`` does so in the model's folder, where a file may be called ``typing.py``.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cog import coder as coder
    from cog import errors as errors
    from cog import exceptions as exceptions
    from cog import files as files
    from cog import input as input  # noqa: A004 - a decorator in old models, a module in newer ones
    from cog import json as json
    from cog import logging as logging
    from cog import mode as mode
    from cog import model as model
    from cog import predictor as predictor
    from cog import schema as schema
    from cog import suppress_output as suppress_output
    from cog import types as types
    from cog._decorators import batch, concurrent, streaming
    from cog._experimental import ExperimentalFeatureWarning as ExperimentalFeatureWarning
    from cog._legacy import Model, Predictor
    from cog._scope import MetricRecorder, Scope, current_scope, emit_metric
    from cog._version import __version__
    from cog.exceptions import CancelationException
    from cog.input import FieldInfo, Input
    from cog.model import BaseModel
    from cog.predictor import BasePredictor, BaseRunner
    from cog.types import (
        AsyncConcatenateIterator,
        ConcatenateIterator,
        File,
        Opaque,
        Path,
        Secret,
        URLFile,
        URLPath,
    )

# No modules: `from cog import *` must not replace a model's `json`, `logging` and `types`, nor Python's `input`.
__all__ = [
    "AsyncConcatenateIterator",
    "BaseModel",
    "BasePredictor",
    "BaseRunner",
    "CancelationException",
    "ConcatenateIterator",
    "FieldInfo",
    "File",
    "Input",
    "MetricRecorder",
    "Model",
    "Opaque",
    "Path",
    "Predictor",
    "Scope",
    "Secret",
    "URLFile",
    "URLPath",
    "__version__",
    "batch",
    "concurrent",
    "current_scope",
    "emit_metric",
    "streaming",
]

_HOMES = {
    "AsyncConcatenateIterator": "types",
    "BaseModel": "model",
    "BasePredictor": "predictor",
    "BaseRunner": "predictor",
    "CancelationException": "exceptions",
    "ConcatenateIterator": "types",
    "ExperimentalFeatureWarning": "_experimental",
    "FieldInfo": "input",
    "File": "types",
    "Input": "input",
    "MetricRecorder": "_scope",
    "Model": "_legacy",
    "Opaque": "types",
    "Path": "types",
    "Predictor": "_legacy",
    "Scope": "_scope",
    "Secret": "types",
    "URLFile": "types",
    "URLPath": "types",
    "__version__": "_version",
    "batch": "_decorators",
    "concurrent": "_decorators",
    "current_scope": "_scope",
    "emit_metric": "_scope",
    "streaming": "_decorators",
}
_MODULES = frozenset(
    {
        "coder",
        "errors",
        "exceptions",
        "files",
        "input",
        "json",
        "logging",
        "mode",
        "model",
        "predictor",
        "schema",
        "server",
        "suppress_output",
        "types",
    }
)


def __getattr__(name: str) -> object:
    """Load a public name, or a public module, at its first use."""
    home = _HOMES.get(name, name if name in _MODULES else None)
    if home is None:
        raise AttributeError(f"module 'cog' has no attribute {name!r}")
    __import__(f"cog.{home}")
    module = sys.modules[f"cog.{home}"]
    value: object = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    """Return the public names, loaded or not."""
    return sorted({*__all__, *_HOMES, *_MODULES})
