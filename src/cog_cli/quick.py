"""Reads the command lines that people mean: without a parser whose import takes as long as a small build.

What it does not know for sure it leaves to the parser: help, completion, root options, and everything that is
wrong. A test holds that both give a command the same.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
from types import UnionType
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from cog_cli.declared import Argument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cog_cli.declared import Option


class _Unclear(Exception):
    """The parser has to look at this command line."""


def quick(argv: list[str]) -> Callable[[], Any] | None:
    """Return a command with what it was given; None: the parser has to look."""
    name, *words = argv or [""]
    if not name.isidentifier() or importlib.util.find_spec(f"cog_cli.commands.{name}_command") is None:
        return None
    module = importlib.import_module(f"cog_cli.commands.{name}_command")
    if "context_settings" in getattr(module, "SETTINGS", {}):
        return None
    try:
        return functools.partial(module.command, **read(module.command, words))
    except _Unclear:
        return None


def read(command: Callable[..., Any], words: list[str]) -> dict[str, Any]:
    """Return a value for each parameter of a command.

    Raises:
        _Unclear: The words are not plain options with their values, and arguments.
    """
    parameters = list(map(_Parameter, inspect.signature(command).parameters.values()))
    given = {each.name: each.default for each in parameters}
    places = iter([each for each in parameters if isinstance(each.declared, Argument)])
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            each = next(places, None) or _unclear()
            given[each.name] = each.value(word)
            continue
        name, equals, text = word.partition("=")
        each = next((each for each in parameters if name in each.words), None) or _unclear()
        if equals and (each.is_flag or not name.startswith("--")):
            _unclear()
        if each.is_flag:
            given[each.name] = name in each.on
        else:
            value = each.value(text if equals else _next(rest))
            given[each.name] = [*(given[each.name] or ()), value] if each.is_list else value
    return _unclear() if inspect.Parameter.empty in given.values() else given


class _Parameter:
    """A parameter of a command."""

    def __init__(self, parameter: inspect.Parameter) -> None:
        kind, declared = get_args(parameter.annotation)
        self.name = parameter.name
        self.default = parameter.default
        self.declared: Option | Argument = declared
        self.type = get_args(kind)[0] if isinstance(kind, UnionType) else kind
        self.is_flag = self.type is bool
        self.is_list = self.type == list[str]
        self.on = {name.partition("/")[0] for name in declared.names}
        self.words = {word for name in declared.names for word in name.split("/")}

    def value(self, text: str) -> Any:
        """Return what a text means."""
        if self.type not in {int, float}:
            return text
        digits = text.replace(".", "", 1) if self.type is float else text
        number = self.type(text) if digits.isascii() and digits.isdecimal() else _unclear()
        low, high = (self.declared.shown.get(end, number) for end in ("min", "max"))
        return number if low <= number <= high else _unclear()


def _next(rest: Iterator[str]) -> str:
    """Return an option's value; one that looks like an option could be a mistake."""
    word = next(rest, None) or _unclear()
    return _unclear() if word.startswith("-") and word != "-" else word


def _unclear() -> NoReturn:
    raise _Unclear
