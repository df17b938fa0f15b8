"""Relationship fields: what a package depends on, provides or cannot stand (deb-control(5), Debian policy 7)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

import attrs

from cog_backends.oci.debian.versions import satisfies
from cog_oci.frozen import Frozen

_RELATION = re.compile(
    r"\s*(?P<name>[a-z0-9][a-z0-9+.\-]*)(?::(?P<architecture>[a-z0-9\-]+))?"
    r"\s*(?:\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s)]+)\s*\))?\s*",
    re.IGNORECASE,
)


@attrs.frozen
class Relation(Frozen):
    """One package name with the versions that are meant.

    Attributes:
        name: Real or virtual package.
        operator: ``<<``, ``<=``, ``=``, ``>=``, ``>>``; empty when any version will do.
        version: What the operator compares with.
        architecture: ``any``, ``native``, a processor, or empty for the image's own.
    """

    name: str
    operator: str = ""
    version: str = ""
    architecture: str = ""

    def allows(self, version: str) -> bool:
        """Say whether this version is one of those meant."""
        return satisfies(version, self.operator, self.version)

    def __str__(self) -> str:
        """Return the relation as it is written in a control file."""
        name = f"{self.name}:{self.architecture}" if self.architecture else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name


Alternatives: TypeAlias = "tuple[Relation, ...]"
"""Relations of which one is enough, the preferred one first."""


@lru_cache(maxsize=16384)
def read_relations(text: str) -> tuple[Alternatives, ...]:
    """Read a relationship field.

    Raises:
        ValueError: A part of the field has another form.
    """
    groups = (group for group in text.split(",") if group.strip())
    return tuple(tuple(_relation(part) for part in group.split("|")) for group in groups)


def _relation(text: str) -> Relation:
    match = _RELATION.fullmatch(text)
    if match is None:
        raise ValueError(f"not a package relation: {text.strip()!r}")
    found = match.groupdict(default="")
    return Relation(found["name"].lower(), found["operator"], found["version"], found["architecture"])
