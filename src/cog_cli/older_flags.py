"""Flags of upstream's that change nothing here: accepted, so that scripts go on working, and answered with a note."""

from __future__ import annotations

import functools
import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from cog_cli.declared import Option

if TYPE_CHECKING:
    from collections.abc import Callable

_BASE = "images are built on the official Python image or on Debian packages"

NOTES: Final[dict[str, tuple[type, str]]] = {
    "use_cog_base_image": (bool, _BASE),
    "use_cuda_base_image": (str, _BASE),
    "separate_weights": (bool, "large files always get a layer of their own"),
    "strip": (bool, "libraries are kept as their packages bring them"),
    "precompile": (bool, "bytecode of the author's files is made when the model starts"),
    "skip_schema_validation": (bool, "the schema is always checked"),
}
"""Type of each flag, and why it has no effect."""

SWITCHES: Final = frozenset(name.replace("_", "-") for name, (kind, _) in NOTES.items() if kind is bool)
_ASSIGNED = re.compile(r"--([a-z-]+)=(true|false)", re.IGNORECASE)


def accepting(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command hidden flags without effect, by their names in ``NOTES``."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapper(**given: Any) -> Any:
            for name in names:
                if given.pop(name) is not None:
                    _note(name)
            return command(**given)

        annotations = {name: _annotation(name) for name in names}
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in annotations.items()
        ]
        signature = inspect.signature(command)
        parameters = [*signature.parameters.values(), *extra]
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {**command.__annotations__, **annotations}
        return wrapper

    return decorated


def plain(argv: list[str]) -> list[str]:
    """Rewrite ``--strip=false``, a form that only upstream's parser knows, as ``--no-strip``."""
    return [_rewritten(word) for word in argv]


def _rewritten(word: str) -> str:
    match = _ASSIGNED.fullmatch(word)
    if match is None or match[1] not in SWITCHES:
        return word
    return f"--{match[1]}" if match[2].lower() == "true" else f"--no-{match[1]}"


def _annotation(name: str) -> Any:
    flag = name.replace("_", "-")
    if NOTES[name][0] is bool:
        return Annotated[bool | None, Option(f"--{flag}/--no-{flag}", hidden=True)]
    return Annotated[str | None, Option(f"--{flag}", hidden=True)]


def _note(name: str) -> None:
    from cog_cli.render.console import say  # noqa: PLC0415 - keeps the help quick

    say(f"note: --{name.replace('_', '-')} has no effect: {NOTES[name][1]}", "note")
