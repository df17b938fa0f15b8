"""A finished OpenAPI document that is used instead of the one read from the model's source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cog_core.errors import UsageError

if TYPE_CHECKING:
    from cog_core.settings import Settings


def given_schema(path: str | None, settings: Settings) -> dict[str, Any] | None:
    """Return the document of ``--openapi-schema``, or of ``COG_OPENAPI_SCHEMA``, or None without either.

    Raises:
        UsageError: The file cannot be read, or is no JSON object.
    """
    source, path = ("--openapi-schema", path) if path else ("COG_OPENAPI_SCHEMA", _from_environment(settings))
    if path is None:
        return None
    try:
        document = json.loads(Path(path).expanduser().read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{source}: failed to read {path}: {reason}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{source}: failed to read {path}: not a JSON object")
    return document


def _from_environment(settings: Settings) -> str | None:
    return settings.environ.get("COG_OPENAPI_SCHEMA") or None
