"""Finds the ``Input(...)`` behind the default of a parameter, written there or shared, and reads its arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.schema.constants import Unreadable
from cog_core.schema.modules import every_statement
from cog_core.schema.names import Defined, External, Scope, Unknown
from cog_core.schema.operations import Hidden, Impossible, as_json, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_core.schema.constants import Reader
    from cog_core.schema.modules import Function
    from cog_core.schema.shapes import Json

_MAX_STEPS: Final = 8


@attrs.frozen(eq=False, repr=False)
class Argument:
    """An argument of ``Input``.

    Attributes:
        node: How it is written.
        scope: Where it is written.
        value: Its value, None when ``known`` is not set.
        known: The value can be known without running the program.
    """

    node: ast.expr
    scope: Scope
    value: Json = None
    known: bool = False


def find_arguments(node: ast.expr, scope: Scope, reader: Reader) -> dict[str, Argument] | None:
    """Return the arguments of the ``Input(...)`` that an expression stands for; None when it stands for none.

    Shared definitions are followed: ``Inputs.prompt``, ``PROMPT``, and functions that return ``Input(...)``.
    A positional argument is the default; further ones are called ``#2``, ``#3``.
    """
    call, scope = _input_call(node, scope, reader, _MAX_STEPS) or (None, scope)
    if call is None:
        return None
    return dict(_arguments(call, scope, reader))


def plain_default(node: ast.expr, scope: Scope, reader: Reader) -> dict[str, Argument]:
    """Return the arguments of the ``Input`` that a plain default is short for."""
    return {"default": _argument("default", node, scope, reader)}


def read_arguments(call: ast.Call, names: tuple[str, ...], scope: Scope, reader: Reader) -> dict[str, Argument]:
    """Return the arguments of a call by name, positional ones named in order; surplus ones are ``#1``, ``#2``."""
    return dict(_arguments(call, scope, reader, names))


def _arguments(
    call: ast.Call, scope: Scope, reader: Reader, names: tuple[str, ...] = ("default",)
) -> Iterator[tuple[str, Argument]]:
    for index, node in enumerate(call.args):
        name = names[index] if index < len(names) else f"#{index + 1}"
        yield name, _argument(name, node, scope, reader)
    for word in call.keywords:
        if word.arg is not None:
            yield word.arg, _argument(word.arg, word.value, scope, reader)
            continue
        try:
            more = mapping(reader.value(word.value, scope))
        except (Unreadable, Impossible):
            yield "**", Argument(word.value, scope)
            continue
        for key, value in more.items():
            yield str(key), _known(str(key), word.value, scope, value)


def _argument(name: str, node: ast.expr, scope: Scope, reader: Reader) -> Argument:
    return _known(name, node, scope, _value(node, scope, reader))


def _known(name: str, node: ast.expr, scope: Scope, value: object) -> Argument:
    if name in {"choices", "options"} and isinstance(value, dict):
        value = list(value)
    try:
        return Argument(node, scope, as_json(value), known=True)
    except Impossible:
        return Argument(node, scope)


def _input_call(node: ast.expr, scope: Scope, reader: Reader, steps: int) -> tuple[ast.Call, Scope] | None:
    if steps <= 0:
        return None
    symbol = reader.resolver.resolve(node.func if isinstance(node, ast.Call) else node, scope)
    if not isinstance(node, ast.Call):
        if isinstance(symbol, Defined) and isinstance(symbol.node, ast.Call):
            return _input_call(symbol.node, symbol.scope, reader, steps - 1)
        return None
    if _is_input(symbol):
        return node, scope
    if isinstance(symbol, Defined) and isinstance(symbol.node, ast.FunctionDef):
        result = _returned(symbol.node, reader)
        if result is not None:
            inside = Scope(symbol.scope.module, symbol.scope.owner, _bound(symbol, node, scope, reader))
            return _input_call(result, inside, reader, steps - 1)
    return None


def _is_input(symbol: object) -> bool:
    if isinstance(symbol, External):
        return symbol.package == "cog" and symbol.word == "Input"
    return isinstance(symbol, Unknown) and symbol.name == "Input" and not symbol.module


def _returned(function: Function, reader: Reader) -> ast.expr | None:
    for statement, _ in every_statement(function.body):
        if isinstance(statement, ast.Return):
            return statement.value
        if not reader.resolver.project.names.spend():
            break
    return None


def _bound(symbol: Defined, call: ast.Call, scope: Scope, reader: Reader) -> Mapping[str, object]:
    """Return the values that the parameters of a function have in a call."""
    function = symbol.node
    assert isinstance(function, ast.FunctionDef)
    spec = function.args
    names = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    home = Scope(symbol.scope.module, symbol.scope.owner)
    values = {name: _value(node, home, reader) for name, node in _defaults(function)}
    values.update((name, _value(node, scope, reader)) for name, node in zip(names, call.args, strict=False))
    known = {*names, *(each.arg for each in spec.kwonlyargs)}
    others: dict[object, object] = {}
    for word in call.keywords:
        if word.arg is not None:
            (values if word.arg in known else others)[word.arg] = _value(word.value, scope, reader)
    if spec.kwarg is not None:
        values[spec.kwarg.arg] = others
    return values


def _defaults(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    spec = function.args
    positional = (*spec.posonlyargs, *spec.args)
    yield from zip(
        (each.arg for each in positional[len(positional) - len(spec.defaults) :]), spec.defaults, strict=True
    )
    for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if default is not None:
            yield each.arg, default


def _value(node: ast.expr, scope: Scope, reader: Reader) -> object:
    try:
        return reader.value(node, scope)
    except Unreadable as unreadable:
        return Hidden(unreadable)
