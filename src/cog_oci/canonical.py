"""JSON as digests need it: one text for one value, and nothing unbounded when reading."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from cog_oci.errors import InvalidImage

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 4 << 20
"""Largest manifest or configuration, in bytes (OCI distribution specification, "Pushing Manifests")."""


def dump(value: object) -> bytes:
    """Return JSON with sorted keys and no blanks, in UTF-8.

    Raises:
        InvalidImage: The value holds something that JSON has not, such as half of a surrogate pair.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (ValueError, TypeError) as error:
        raise InvalidImage(f"cannot be written as JSON: {error}") from error


def load(data: bytes, *, what: str) -> dict[str, Any]:
    """Read a JSON object that a stranger wrote.

    Args:
        data: UTF-8 text.
        what: How messages call it, such as ``manifest sha256:…``.

    Raises:
        InvalidImage: It is larger than :data:`LIMIT`, no JSON, or no object.
    """
    value = _load(data, what)
    if not isinstance(value, dict):
        raise InvalidImage(f"{what} is no JSON object but {type(value).__name__}")
    return value


def load_list(data: bytes, *, what: str) -> list[dict[str, Any]]:
    """Read a JSON list of objects that a stranger wrote.

    Raises:
        InvalidImage: It is larger than :data:`LIMIT`, no JSON, or no such list.
    """
    value = _load(data, what)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidImage(f"{what} is no JSON list of objects")
    return value


def load_file(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        InvalidImage: As :func:`load`.
        FileNotFoundError: There is no such file.
    """
    with path.open("rb") as file:
        return load(file.read(LIMIT + 1), what=str(path))


def _load(data: bytes, what: str) -> Any:
    if len(data) > LIMIT:
        raise InvalidImage(f"{what} has {len(data)} bytes, more than {LIMIT}")
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidImage(f"{what} is no JSON: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
