"""Caches that builders share: layers of earlier builds, in a registry, in a folder, in an object store."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

import attrs

from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_REGISTRY: Final = "registry"
_HINT: Final = "Write it as REF, or as type=registry,ref=REF, type=local,src=DIR, type=s3,bucket=NAME,region=NAME."
_PRIVATE: Final = ("secret", "token", "password", "key")
"""What is in the names of fields that must not be shown."""


@attrs.frozen
class Cache(Frozen):
    """Where a cache is read or written (moby/buildkit, README, "Cache").

    Attributes:
        kind: Such as ``registry``, ``local`` or ``s3``.
        fields: The others, in their order.
    """

    kind: str
    fields: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``KEY=VALUE`` pairs with commas between them, or a reference alone, which means a registry.

        Raises:
            UsageError: It is neither.
        """
        words = next(csv.reader([text]), [])
        if len(words) == 1 and words[0] and "=" not in words[0]:
            return cls(_REGISTRY, (("ref", words[0]),))
        pairs = [(key.strip(), value) for key, found, value in (word.partition("=") for word in words) if found]
        fields = dict(pairs)
        if len(pairs) != len(words) or not fields.get("type"):
            raise UsageError("invalid cache: it has no type", hint=_HINT)
        if fields["type"] == _REGISTRY and not fields.get("ref"):
            raise UsageError("invalid cache: type=registry has no ref", hint=_HINT)
        return cls(fields["type"], tuple((key, value) for key, value in pairs if key != "type"))

    @property
    def reference(self) -> str | None:
        """Its name in a registry; None: it is elsewhere."""
        return dict(self.fields)["ref"] if self.kind == _REGISTRY else None

    @property
    def secrets(self) -> frozenset[str]:
        """Values that must not be shown."""
        return frozenset(value for key, value in self.fields if any(word in key.lower() for word in _PRIVATE))

    def __str__(self) -> str:
        """Return it as builders read it."""
        line = io.StringIO()
        pairs = (("type", self.kind), *self.fields)
        csv.writer(line, lineterminator="").writerow(f"{key}={value}" for key, value in pairs)
        return line.getvalue()


def secrets_of(caches: Iterable[Cache]) -> frozenset[str]:
    """Return the values of all caches that must not be shown."""
    return frozenset[str]().union(*(cache.secrets for cache in caches))
