"""What `--secret` says: ``id=ID,src=FILE`` or ``id=ID,env=NAME`` (reference, section 2.1)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.errors import UsageError
from cog_core.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FIELDS: Final = frozenset({"id", "src", "source", "env", "type"})
_HINT: Final = "Write it as id=ID,src=FILE or id=ID,env=NAME."


def given_secrets(texts: Iterable[str], root: Path, environ: Mapping[str, str]) -> dict[str, Secret]:
    """Return secrets by id.

    Args:
        texts: As written.
        root: Where relative paths begin: the project's folder.
        environ: Where variables are looked up.

    Raises:
        UsageError: One cannot be read; its value is never part of the message.
    """
    found: dict[str, Secret] = {}
    for text in texts:
        fields = _fields(text)
        if fields["id"] in found:
            raise UsageError(f"the secret {fields['id']!r} is given twice")
        found[fields["id"]] = _secret(fields, root, environ)
    return found


def _fields(text: str) -> dict[str, str]:
    pairs = [field.partition("=") for field in next(csv.reader([text]), [])]
    fields = {key.strip().lower(): value for key, _, value in pairs}
    if unknown := sorted(fields.keys() - _FIELDS):
        raise UsageError(f"invalid --secret: unknown field {unknown[0]!r}", hint=_HINT)
    if not fields.get("id"):
        raise UsageError("invalid --secret: it has no id", hint=_HINT)
    if fields.get("type", "file") not in {"file", "env"}:
        raise UsageError(f"invalid --secret: unknown type {fields['type']!r}", hint=_HINT)
    return fields


def _secret(fields: Mapping[str, str], root: Path, environ: Mapping[str, str]) -> Secret:
    """Read where a secret comes from; without a place, its id names the variable or the file, as in Docker."""
    name = fields["id"]
    source = fields.get("src") or fields.get("source")
    variable = fields.get("env") or (source or name if fields.get("type") == "env" else None)
    if variable is not None:
        if variable not in environ:
            raise UsageError(f"the secret {name!r} needs the variable {variable}, and it is not set")
        return Secret(value=environ[variable].encode())
    if source is None and name in environ and "type" not in fields:
        return Secret(value=environ[name].encode())
    path = root / Path(source or name).expanduser()
    if not path.is_file():
        raise UsageError(f"the secret {name!r} needs the file {path}, and it is not there", hint=_HINT)
    return Secret(path=path)
