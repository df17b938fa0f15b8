"""How much the server logs, and in which form."""

from __future__ import annotations

from typing import Mapping

_LEVELS = {"trace": 10, "debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "off": 50}
_FORMATS = {"json": False, "text": True, "console": True}
_OURS = frozenset({"cog", "coglet"})
USUAL = 20


def log_level(environ: Mapping[str, str], warnings: list[str]) -> int:
    """Return the lowest level that is logged: what ``COG_LOG_LEVEL`` says, else ``RUST_LOG``, else ``info``.

    Args:
        environ: The environment.
        warnings: Gets a line for each value that says nothing.
    """
    named = environ.get("COG_LOG_LEVEL", "").strip().lower()
    if named in _LEVELS:
        return _LEVELS[named]
    if named:
        warnings.append(f"COG_LOG_LEVEL is ignored: none of debug, info, warning, error: {named!r}")
    directives = environ.get("RUST_LOG", "")
    if not directives.strip():
        return USUAL
    level = _from_directives(directives)
    if level is None:
        warnings.append(f"RUST_LOG is ignored: it names no level for everything or for coglet: {directives!r}")
    return USUAL if level is None else level


def _from_directives(text: str) -> int | None:
    """Return the level of ``coglet`` in a list such as ``info,coglet=debug``, else the one for everything."""
    general = own = None
    for directive in text.lower().split(","):
        target, equals, level = directive.strip().rpartition("=")
        found = _LEVELS.get(level.strip())
        if not equals:
            general = found if found is not None else general
        elif target.strip() in _OURS:
            own = found if found is not None else own
    return own if own is not None else general


def is_for_people(chosen: str | None, environ: Mapping[str, str], warnings: list[str]) -> bool:
    """Return whether lines are for people: as the option says, else ``COG_LOG_FORMAT``, else ``LOG_FORMAT``.

    Args:
        chosen: The option; None when it was not given.
        environ: The environment.
        warnings: Gets a line for each value that says nothing.
    """
    if chosen is not None:
        return _FORMATS[chosen]
    named = environ.get("COG_LOG_FORMAT", "").strip().lower()
    if named in _FORMATS:
        return _FORMATS[named]
    if named:
        warnings.append(f"COG_LOG_FORMAT is ignored: neither json nor text: {named!r}")
    # Whatever else stands there means JSON to upstream.
    return _FORMATS.get(environ.get("LOG_FORMAT", ""), False)
