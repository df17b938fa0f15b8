"""What a suite says about itself: its ``Release`` file, once the signature is verified."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.debian.stanzas import read_stanza
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHECKSUM = re.compile(r"\s*([0-9a-f]{64})\s+(\d+)\s+(\S+)\s*")


@attrs.frozen
class Checksum(Frozen):
    """What a file must be.

    Attributes:
        sha256: In hexadecimal.
        size: In bytes.
    """

    sha256: str
    size: int


@attrs.frozen(kw_only=True)
class Release(Frozen):
    """A suite of packages (repository format of the Debian wiki, "Release files").

    Attributes:
        origin: Who made it, such as ``Debian``.
        suite: Such as ``stable``.
        codename: Such as ``bookworm``.
        valid_until: When it ceases to hold, in seconds since 1970; None: never.
        by_hash: Files are also there under their checksum, so that an update of the mirror cannot come in between.
        files: Checksums by path relative to the suite's folder.
    """

    origin: str
    suite: str
    codename: str
    valid_until: float | None
    by_hash: bool
    files: Mapping[str, Checksum] = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Release:
        """Read a Release file.

        Raises:
            ValueError: It has no checksums, or a date of another form.
        """
        fields = read_stanza(text)
        matches = (_CHECKSUM.fullmatch(line) for line in fields.get("SHA256", "").splitlines())
        sums = {match[3]: Checksum(match[1], int(match[2])) for match in matches if match}
        if not sums:
            raise ValueError("a list without SHA-256 checksums")
        return cls(
            origin=fields.get("Origin", ""),
            suite=fields.get("Suite", ""),
            codename=fields.get("Codename", ""),
            valid_until=_seconds(fields.get("Valid-Until")),
            by_hash=fields.get("Acquire-By-Hash") == "yes",
            files=sums,
        )

    def is_called(self, name: str) -> bool:
        """Say whether this is the suite of that name, so that a mirror cannot hand out one suite for another."""
        return name in {self.suite, self.codename}

    def has_expired(self, now: float) -> bool:
        """Say whether the list is past its date."""
        return self.valid_until is not None and self.valid_until < now


def _seconds(date: str | None) -> float | None:
    # Debian writes "UTC" where RFC 5322 wants an offset; both mean the same to the parser.
    return parsedate_to_datetime(date).timestamp() if date else None
