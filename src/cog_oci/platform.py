"""What an image runs on (OCI image specification, "Image Index", property ``platform``)."""

from __future__ import annotations

import attrs

from cog_oci.errors import InvalidImage
from cog_oci.frozen import Frozen

# Variants that are meant when none is named, as Docker and containerd complete them.
_USUAL_VARIANT = {"amd64": "v1", "arm": "v7", "arm64": "v8"}


@attrs.frozen
class Platform(Frozen):
    """An operating system and a processor."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str | None = None

    @classmethod
    def from_json(cls, value: object, *, what: str) -> Platform:
        """Read a descriptor's platform, or the same fields of an image's configuration.

        Raises:
            InvalidImage: They are no texts.
        """
        if not isinstance(value, dict):
            raise InvalidImage(f"{what}: a platform is no object")
        fields = [value.get(name) or "" for name in ("os", "architecture", "variant")]
        if not all(isinstance(field, str) for field in fields):
            raise InvalidImage(f"{what}: a platform is not made of texts")
        return cls(fields[0], fields[1], fields[2] or None)

    def to_json(self) -> dict[str, str]:
        """Return the JSON object."""
        result = {"os": self.os, "architecture": self.architecture}
        return result | ({"variant": self.variant} if self.variant else {})

    def fits(self, wanted: Platform) -> int:
        """Say how well an image for this platform serves another: 0 not at all, 3 exactly."""
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return 0
        usual = _USUAL_VARIANT.get(self.architecture)
        if (self.variant or usual) == (wanted.variant or usual):
            return 3
        return 2 if self.variant is None else 0

    def __str__(self) -> str:
        """Return ``os/architecture[/variant]``."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))
