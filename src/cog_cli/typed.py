"""Commands in the words of typer, which explains them, completes them and says what is wrong with a command line."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from cog_cli.declared import Argument

if TYPE_CHECKING:
    from collections.abc import Callable


def typed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with parameters that typer understands."""

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        return command(**given)

    signature = inspect.signature(command)
    parameters = [
        parameter.replace(annotation=_annotation(parameter.annotation)) for parameter in signature.parameters.values()
    ]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def _annotation(annotation: Any) -> Any:
    kind, declared = get_args(annotation)
    make = typer.Argument if isinstance(declared, Argument) else typer.Option
    return Annotated[kind, make(*declared.names, **declared.shown)]
