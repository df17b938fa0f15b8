"""What must not be heard of a build: secrets that its commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_REDACTED: Final = "**********"
_SHORTEST: Final = 4
"""Characters; a shorter text would be found everywhere."""
_FEW: Final = 20
"""Lines of a secret that are looked for inside of other lines; those of a bundle of certificates are too many."""


@attrs.frozen
class Redaction(Frozen):
    """Hides secrets.

    Attributes:
        lines: Lines that are hidden when they stand alone.
        pieces: Texts that are hidden wherever they stand, longest first.
    """

    lines: frozenset[str] = frozenset()
    pieces: tuple[str, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[bytes]) -> Self:
        """Return what hides each line of each secret."""
        lines: set[str] = set()
        pieces: set[str] = set()
        for secret in secrets:
            found = [line.strip() for line in secret.decode("utf-8", "replace").splitlines()]
            kept = [line for line in found if len(line) >= _SHORTEST]
            lines.update(kept)
            pieces.update(kept if len(kept) <= _FEW else ())
        return cls(frozenset(lines), tuple(sorted(pieces, key=len, reverse=True)))

    def __call__(self, text: str) -> str:
        """Return a text, of one line or of several, without the secrets."""
        for piece in self.pieces:
            text = text.replace(piece, _REDACTED)
        if not self.lines:
            return text
        return "\n".join(_REDACTED if line.strip() in self.lines else line for line in text.split("\n"))
