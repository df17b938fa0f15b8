"""A package as an index or a dpkg database describes it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.debian.relations import Alternatives, Relation, read_relations
from cog_backends.oci.debian.versions import Key, version_key
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPENDENCIES = ("Pre-Depends", "Depends")
OBSTACLES = ("Conflicts", "Breaks")


@attrs.frozen(kw_only=True)
class Package(Frozen):
    """One version of a package for one architecture.

    Attributes:
        name: Such as ``libc6``.
        version: Such as ``2.36-9+deb12u10``.
        architecture: Such as ``amd64``, or ``all``.
        fields: Its control fields; an index keeps only those that are used here.
        site: Address of the mirror that has the file, which may hold credentials; empty for an installed package.
    """

    name: str
    version: str
    architecture: str
    fields: Mapping[str, str] = attrs.field(repr=False, eq=False, factory=dict)
    site: str = attrs.field(repr=False, eq=False, default="")

    @classmethod
    def of_fields(cls, fields: Mapping[str, str], *, site: str = "") -> Package:
        """Return the package that a paragraph describes.

        Raises:
            KeyError: The paragraph lacks name, version or architecture.
        """
        return cls(
            name=fields["Package"],
            version=fields["Version"],
            architecture=fields["Architecture"],
            fields=fields,
            site=site,
        )

    @cached_property
    def order(self) -> Key:
        """What versions of one package sort by."""
        return version_key(self.version)

    @cached_property
    def depends(self) -> tuple[Alternatives, ...]:
        """What must be there before and while the package is used, in the order of its fields."""
        return tuple(group for field in DEPENDENCIES for group in read_relations(self.fields.get(field, "")))

    @cached_property
    def obstacles(self) -> tuple[Relation, ...]:
        """What must not be there at the same time."""
        groups = (group for field in OBSTACLES for group in read_relations(self.fields.get(field, "")))
        return tuple(relation for group in groups for relation in group)

    @cached_property
    def provides(self) -> tuple[Relation, ...]:
        """Virtual packages that this one stands for; with ``=`` and a version where it claims one."""
        return tuple(group[0] for group in read_relations(self.fields.get("Provides", "")))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name it answers to: its own, and those that it provides."""
        return tuple(dict.fromkeys((self.name, *(relation.name for relation in self.provides))))

    @property
    def is_essential(self) -> bool:
        """Whether every Debian system has it (Debian policy 3.8)."""
        return self.fields.get("Essential") == "yes"

    @property
    def qualified(self) -> str:
        """The name under which dpkg keeps its files: with the architecture when several may be installed at once."""
        is_same = self.fields.get("Multi-Arch") == "same"
        return f"{self.name}:{self.architecture}" if is_same else self.name

    def answers(self, relation: Relation) -> bool:
        """Say whether this package satisfies a relation, by its own name or by what it provides.

        A relation with a version is satisfied by a provided name only when that name has a version too (policy 7.5).
        """
        if relation.name == self.name:
            return self._fits(relation) and relation.allows(self.version)
        return any(
            provided.name == relation.name
            and (not relation.operator or (bool(provided.version) and relation.allows(provided.version)))
            for provided in self.provides
        )

    def _fits(self, relation: Relation) -> bool:
        return relation.architecture in {"", "any", "native", self.architecture}

    def __str__(self) -> str:
        """Return name and version."""
        return f"{self.name} {self.version}"
