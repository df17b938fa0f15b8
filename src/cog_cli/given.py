"""What `-i`, `--json`, `-e` and `-p` say, as values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cog_core import inputs
from cog_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_core.inputs import InputSchema
    from cog_core.settings import Settings


def given_inputs(pairs: Iterable[str], json_text: str | None, schema: InputSchema) -> dict[str, Any]:
    """Return the inputs of a prediction, checked against the model's schema.

    Raises:
        UsageError: Both ways were used, or a file of JSON cannot be read.
        InputInvalid: They do not fit.
    """
    pairs = tuple(pairs)
    if pairs and json_text is not None:
        raise UsageError("Must use one of --json or --input to provide model inputs")
    values = inputs.from_pairs(pairs, schema) if json_text is None else inputs.from_json(_read(json_text))
    inputs.check(values, schema)
    return values


def environment(entries: Iterable[str], settings: Settings) -> dict[str, str]:
    """Return variables: ``NAME=VALUE`` as written, ``NAME`` with the value that it has here.

    Raises:
        UsageError: An entry has no name.
    """
    found: dict[str, str] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name:
            raise UsageError(f"invalid environment variable {entry!r}", hint="Write it as NAME=VALUE.")
        if equals:
            found[name] = value
        elif name in settings.environ:
            found[name] = settings.environ[name]
    return found


def published(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return pairs of host address and container port for ``8000``, ``0.0.0.0:8000`` and ``[::1]:8000``.

    Raises:
        UsageError: A text has none of these forms.
    """
    return tuple(map(_published, texts))


def _published(text: str) -> tuple[str, int]:
    if not text:
        raise _bad_port(text, "value cannot be empty")
    host, port = "127.0.0.1", text
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if not bracket:
            raise _bad_port(text, "missing closing bracket for IPv6 address")
        if not rest:
            raise _bad_port(text, "port is required after IPv6 address")
        if not rest.startswith(":"):
            raise _bad_port(text, "expected ':' after ']'")
        host, port = f"{host}]", rest[1:]
    elif ":" in text:
        host, _, port = text.rpartition(":")
    if host in {"", "[]"}:
        raise _bad_port(text, "host cannot be empty")
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise _bad_port(text, "port must be between 1 and 65535")
    return f"{host}:{int(port)}", int(port)


def _bad_port(text: str, reason: str) -> UsageError:
    return UsageError(f'invalid port "{text}": {reason}', hint="Write it as 8000, 0.0.0.0:8000 or [::1]:8000.")


def _read(text: str) -> str:
    """Return the JSON itself, or what the file holds that ``@FILE``, ``@-`` or ``-`` names."""
    if text in {"-", "@-"}:
        try:
            return sys.stdin.read()
        except (OSError, ValueError) as error:
            raise UsageError(f"Failed to read JSON from stdin: {error}") from error
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).expanduser().read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f'Failed to read JSON from file "{text[1:]}": {reason}') from error
