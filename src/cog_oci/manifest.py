"""Descriptors, manifests and indexes as values, in OCI's media types and in Docker's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from cog_oci import canonical, media
from cog_oci import digest as digests
from cog_oci.errors import InvalidImage, Missing
from cog_oci.frozen import Frozen
from cog_oci.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Pairs: TypeAlias = "tuple[tuple[str, str], ...]"

_MOST_CHILDREN = 4096


@attrs.frozen(kw_only=True)
class Descriptor(Frozen):
    """Where bytes are and what they are (OCI image specification, "Content Descriptors").

    Attributes:
        media_type: What they are.
        digest: Their digest.
        size: How many there are.
        annotations: Sorted by key.
        platform: In an index: what the image runs on.
    """

    media_type: str
    digest: digests.Digest
    size: int
    annotations: Pairs = ()
    platform: Platform | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        result: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            result["annotations"] = dict(self.annotations)
        if self.platform is not None:
            result["platform"] = self.platform.to_json()
        return result

    @classmethod
    def from_json(cls, value: object, *, what: str) -> Descriptor:
        """Read the JSON object; fields that this class does not know are dropped.

        Raises:
            InvalidImage: It is no descriptor.
        """
        if not isinstance(value, dict):
            raise InvalidImage(f"{what}: a descriptor is missing or no object")
        size, media_type, platform = value.get("size"), value.get("mediaType"), value.get("platform")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise InvalidImage(f"{what}: {size!r} is not the size of a blob")
        if not isinstance(media_type, str):
            raise InvalidImage(f"{what}: a descriptor names no media type")
        return cls(
            media_type=media_type,
            digest=digests.parse(value.get("digest")),
            size=size,
            annotations=pairs(value.get("annotations"), what=what),
            platform=Platform.from_json(platform, what=what) if platform is not None else None,
        )

    def annotation(self, key: str) -> str | None:
        """Return one annotation."""
        return dict(self.annotations).get(key)


@attrs.frozen(kw_only=True)
class Manifest(Frozen):
    """One image for one platform: its configuration and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Pairs = ()
    media_type: str = media.OCI_MANIFEST

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return canonical.dump(
            {
                "schemaVersion": 2,
                "mediaType": self.media_type,
                "config": self.config.to_json(),
                "layers": [layer.to_json() for layer in self.layers],
            }
            | ({"annotations": dict(self.annotations)} if self.annotations else {})
        )

    def as_oci(self) -> Manifest:
        """Return the same image with OCI's media types; Docker's types mean the same bytes."""
        return attrs.evolve(
            self,
            media_type=media.OCI_MANIFEST,
            config=attrs.evolve(self.config, media_type=media.to_oci(self.config.media_type)),
            layers=tuple(attrs.evolve(layer, media_type=media.to_oci(layer.media_type)) for layer in self.layers),
        )

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """All blobs that the image needs."""
        return (self.config, *self.layers)


@attrs.frozen(kw_only=True)
class Index(Frozen):
    """Several images, or indexes of images, to choose from by platform."""

    manifests: tuple[Descriptor, ...]
    annotations: Pairs = ()
    media_type: str = media.OCI_INDEX

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return canonical.dump(
            {
                "schemaVersion": 2,
                "mediaType": self.media_type,
                "manifests": [child.to_json() for child in self.manifests],
            }
            | ({"annotations": dict(self.annotations)} if self.annotations else {})
        )

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """All that it lists."""
        return self.manifests

    def choose(self, platform: Platform, *, what: str) -> Descriptor:
        """Return the entry for a platform: an exact one before one that leaves the variant open.

        Raises:
            Missing: There is none; the message lists those that there are.
        """
        images = [child for child in self.manifests if child.media_type in media.MANIFESTS | media.INDEXES]
        ranked = [(child.platform.fits(platform) if child.platform else 1, child) for child in images]
        best = max((rank for rank, _ in ranked), default=0)
        if best:
            return next(child for rank, child in ranked if rank == best)
        known = sorted({str(child.platform) for child in images if child.platform})
        raise Missing(
            f"{what} has no image for {platform}", hint=f"It has {', '.join(known)}." if known else "It is empty."
        )


def parse(data: bytes, *, media_type: str = "", what: str = "manifest") -> Manifest | Index:
    """Read a manifest or an index.

    Args:
        data: The JSON text.
        media_type: What the descriptor or the HTTP header says, for documents that do not say it themselves.
        what: How messages call it.

    Raises:
        InvalidImage: It is neither, or hostile.
    """
    value = canonical.load(data, what=what)
    kind = str(value.get("mediaType") or _guess(value, media_type))
    if kind in media.INDEXES and "layers" not in value:
        return Index(
            manifests=_descriptors(value.get("manifests"), what=what),
            annotations=pairs(value.get("annotations"), what=what),
            media_type=kind,
        )
    if kind in media.MANIFESTS and "manifests" not in value:
        return Manifest(
            config=Descriptor.from_json(value.get("config"), what=what),
            layers=_descriptors(value.get("layers"), what=what),
            annotations=pairs(value.get("annotations"), what=what),
            media_type=kind,
        )
    if value.get("schemaVersion") == 1:
        raise InvalidImage(
            f"{what} is in Docker's schema 1 of 2014", hint="Push the image again with a current tool."
        )
    raise InvalidImage(f"{what} is neither a manifest nor an index but {kind[:100]!r}")


def pairs(value: object, *, what: str) -> Pairs:
    """Read annotations or labels.

    Raises:
        InvalidImage: It is not an object of strings.
    """
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise InvalidImage(f"{what}: annotations are not texts by name")
    return tuple(sorted(value.items()))


def _guess(value: Mapping[str, Any], media_type: str) -> str:
    if media_type in media.MANIFESTS | media.INDEXES:
        return media_type
    if "manifests" in value:
        return media.OCI_INDEX
    return media.OCI_MANIFEST if "config" in value and "layers" in value else ""


def _descriptors(value: object, *, what: str) -> tuple[Descriptor, ...]:
    if not isinstance(value, list) or len(value) > _MOST_CHILDREN:
        raise InvalidImage(f"{what} has no list of at most {_MOST_CHILDREN} descriptors")
    items: Iterable[object] = value
    return tuple(Descriptor.from_json(item, what=what) for item in items)
