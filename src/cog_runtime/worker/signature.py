"""What the model's annotations ask for: paths, open files, secrets."""

from __future__ import annotations

import pathlib
import typing
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Union

from cog_runtime.worker.decode import Blob

if TYPE_CHECKING:
    from cog_runtime.worker.decode import Arguments

Converter = Callable[[Any, "Arguments"], Any]
Converters = Dict[str, Converter]

_UNIONS: tuple[Any, ...] = (Union,)
try:
    from types import UnionType  # type: ignore[attr-defined,unused-ignore]

    _UNIONS += (UnionType,)
except ImportError:  # Python 3.9 and older
    pass


def converters_of(function: Callable[..., Any]) -> Converters:
    """Return, by parameter, how texts become what the annotation says; plain types are not in it.

    Annotations that cannot be resolved convert nothing, as upstream has it.
    """
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - a model's annotations may raise anything
        hints = {}
    hints.update({each.name: each.type for each in getattr(function, "__cog_inputs__", ())})
    found = {name: _converter(hint) for name, hint in hints.items() if name != "return"}
    return {name: converter for name, converter in found.items() if converter is not None}


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the defaults of a plain function's parameters, by name."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    return {**dict(zip(names[len(names) - len(defaults) :], defaults)), **(function.__kwdefaults__ or {})}


def _converter(hint: Any) -> Converter | None:
    if hasattr(hint, "__metadata__"):
        return _converter(hint.__origin__)
    origin = typing.get_origin(hint)
    if origin in _UNIONS:
        found = [_converter(member) for member in typing.get_args(hint)]
        return next((converter for converter in found if converter is not None), None)
    if origin in {list, List}:
        inner = _converter(typing.get_args(hint)[0]) if typing.get_args(hint) else None
        return None if inner is None else _of_each(inner)
    return _of_class(hint) if isinstance(hint, type) else None


def _of_each(inner: Converter) -> Converter:
    def convert(value: Any, arguments: Arguments) -> Any:
        if not isinstance(value, list):
            return inner(value, arguments)
        return [inner(each, arguments) for each in value]

    return convert


def _of_class(kind: type) -> Converter | None:
    if issubclass(kind, pathlib.PurePath):
        return _to_path
    name = f"{kind.__module__}.{kind.__qualname__}"
    return {"cog._files.File": _to_file, "cog._secret.Secret": _to_secret}.get(name)


def _to_path(value: Any, arguments: Arguments) -> Any:
    if isinstance(value, Blob):
        return arguments.save(value)
    if not isinstance(value, str) or not value.lower().startswith(("http://", "https://", "data:")):
        return value
    from cog._files import Path  # noqa: PLC0415 - for models with files only

    return arguments.fetch(Path.validate(value))


def _to_file(value: Any, arguments: Arguments) -> Any:
    if isinstance(value, Blob):
        return value.opened()
    if not isinstance(value, str):
        return value
    from cog._files import File  # noqa: PLC0415 - for models with files only

    return arguments.fetch(File.validate(value))


def _to_secret(value: Any, arguments: Arguments) -> Any:
    del arguments
    if not isinstance(value, str):
        return value
    from cog._secret import Secret  # noqa: PLC0415 - for models with secrets only

    return Secret(value)
