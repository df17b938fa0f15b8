"""Images in a folder (OCI image specification, "Image Layout", version 1.0.0), for several processes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_oci import canonical, clock, image_config, index_file, manifest, media
from cog_oci.blobs import Blobs
from cog_oci.digest import Digest, encoded
from cog_oci.errors import InvalidImage, Missing
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen
from cog_oci.locks import locked
from cog_oci.manifest import Descriptor, Index, Manifest
from cog_oci.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cog_oci.reference import Reference

_MARKER: Final = "oci-layout"
_VERSION = {"imageLayoutVersion": "1.0.0"}
_DEEPEST = 5


@attrs.frozen(kw_only=True)
class Image(Frozen):
    """One image for one platform, with everything but its layers at hand.

    Attributes:
        descriptor: Of the manifest.
        config: The configuration, as JSON has it.
        diff_ids: Digests of the uncompressed layers, as many as the manifest has layers.
    """

    descriptor: Descriptor
    manifest: Manifest
    config: Mapping[str, Any] = attrs.field(repr=False)
    diff_ids: tuple[Digest, ...]

    @property
    def image_id(self) -> Digest:
        """Digest of the configuration: what engines call the image's id."""
        return self.manifest.config.digest

    @property
    def labels(self) -> dict[str, str]:
        """All labels."""
        return image_config.labels(self.config)


@attrs.frozen
class Layout(Frozen):
    """A folder of images; make one with :meth:`create` or :meth:`open`.

    Every change of the list of images happens under a lock and replaces ``index.json`` at once, so a reader never
    waits and never sees half of a change, and what another tool wrote there stays.
    """

    root: Path

    @classmethod
    def create(cls, root: Path) -> Layout:
        """Return the layout in a folder, made empty when there is none.

        Raises:
            InvalidImage: The folder holds a layout of another version.
        """
        layout = cls(root)
        (root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        with locked(layout.blobs.lock):
            if not (root / index_file.FILE).exists():
                layout._write_index([])
            if not (root / _MARKER).exists():
                replace_file(root / _MARKER, canonical.dump(_VERSION), folder=layout.blobs.scratch)
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> Layout:
        """Return the layout in a folder.

        Raises:
            Missing: There is none.
            InvalidImage: It is of another version.
        """
        try:
            marker = canonical.load_file(root / _MARKER)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Missing(f"{root} is no OCI image layout: it has no file oci-layout") from error
        if marker.get("imageLayoutVersion") != _VERSION["imageLayoutVersion"]:
            raise InvalidImage(f"{root} is an image layout of version {str(marker.get('imageLayoutVersion'))[:40]!r}")
        return cls(root)

    @property
    def blobs(self) -> Blobs:
        """The store under it."""
        return Blobs(self.root)

    def images(self) -> tuple[tuple[str | None, Descriptor], ...]:
        """Return names, None where there is none, and descriptors, oldest first.

        Raises:
            InvalidImage: The list is damaged.
        """
        what = str(self.root / index_file.FILE)
        found = (Descriptor.from_json(entry, what=what) for entry in index_file.read(self.root))
        return tuple((descriptor.annotation(index_file.NAME), descriptor) for descriptor in found)

    def find(self, name: str | Reference | None = None) -> Descriptor:
        """Return what a name stands for.

        Args:
            name: A full or short reference, or a name as another tool wrote it; None: the only image.

        Raises:
            Missing: There is no such image, or no single one; the hint lists what there is.
        """
        images = self.images()
        matches = [found for known, found in images if name is None or index_file.is_same(known, str(name))]
        if len({found.digest for found in matches}) == 1:
            return matches[-1]
        names = sorted({known or str(found.digest) for known, found in images})
        raise Missing(
            f"{self.root} holds {len(images)} images" if name is None else f"{self.root} has no image {str(name)!r}",
            hint=f"It has {', '.join(names[:20])}." if names else "It is empty.",
        )

    def tag(self, name: str | Reference | None, descriptor: Descriptor) -> None:
        """Give an image a name, which no other image keeps; None lists the image without one.

        Raises:
            Missing: A blob of the image is not here.
        """
        entry = attrs.evolve(descriptor, annotations=_named(descriptor, name)).to_json()

        with locked(self.blobs.lock):
            self._require(descriptor)
            self._write_index(index_file.with_entry(index_file.read(self.root), entry))

    def untag(self, name: str | Reference) -> bool:
        """Take a name away; False when no image has it. Blobs stay until :meth:`prune`."""
        with locked(self.blobs.lock):
            entries = index_file.read(self.root)
            left = [entry for entry in entries if not index_file.is_same(index_file.name_of(entry), str(name))]
            self._write_index(left)
            return len(left) < len(entries)

    def put_manifest(self, value: Manifest | Index) -> Descriptor:
        """Store a manifest or an index."""
        return self.blobs.put_bytes(value.to_bytes(), value.media_type)

    def image(self, which: Descriptor | str | Reference | None = None, platform: Platform | None = None) -> Image:
        """Return an image, looked up in indexes as deep as need be.

        Args:
            which: A descriptor, or a name as :meth:`find` takes it.
            platform: What it is to run on; None: whatever a lone image runs on, else linux/amd64.

        Raises:
            Missing: There is no such image, or none for the platform, or a blob is not here.
            InvalidImage: It is damaged.
        """
        descriptor = which if isinstance(which, Descriptor) else self.find(which)
        for _ in range(_DEEPEST):
            found = self.read_manifest(descriptor)
            if isinstance(found, Manifest):
                return self._image(descriptor, found)
            lone = found.manifests[0] if platform is None and len(found.manifests) == 1 else None
            descriptor = lone or found.choose(platform or Platform(), what=str(descriptor.digest))
        raise InvalidImage(f"{descriptor.digest} is an index in more than {_DEEPEST} indexes")

    def read_manifest(self, descriptor: Descriptor) -> Manifest | Index:
        """Return the manifest or the index that a descriptor means.

        Raises:
            Missing: It is not here.
            InvalidImage: It is neither.
        """
        data = self.blobs.read(descriptor, limit=canonical.LIMIT)
        return manifest.parse(data, media_type=descriptor.media_type, what=f"manifest {descriptor.digest}")

    def prune(self, *, grace: float) -> int:
        """Remove blobs that no image needs and return how many bytes that freed.

        Args:
            grace: Age in seconds that protects a blob: whoever is writing an image has not named it yet.

        Raises:
            InvalidImage: The list of images is damaged; nothing is removed then.
        """
        oldest = clock.now() - grace
        freed = 0
        with locked(self.blobs.lock):
            needed = {encoded(descriptor.digest) for descriptor in self._reachable()}
            for folder, kept in ((self.root / "blobs" / "sha256", needed), (self.blobs.scratch, set[str]())):
                for path in folder.iterdir() if folder.is_dir() else ():
                    status = path.lstat()
                    if path.name not in kept and status.st_mtime <= oldest:
                        path.unlink(missing_ok=True)
                        freed += status.st_size
        return freed

    def _write_index(self, entries: list[dict[str, Any]]) -> None:
        replace_file(self.root / index_file.FILE, index_file.dump(entries), folder=self.blobs.scratch)

    def _image(self, descriptor: Descriptor, found: Manifest) -> Image:
        data = self.blobs.read(found.config, limit=canonical.LIMIT)
        config = canonical.load(data, what=f"configuration {found.config.digest}")
        diff_ids = image_config.diff_ids(config)
        if len(diff_ids) != len(found.layers):
            raise InvalidImage(
                f"image {descriptor.digest} has another number of layers ({len(found.layers)}) "
                f"than its configuration ({len(diff_ids)})"
            )
        return Image(descriptor=descriptor, manifest=found, config=config, diff_ids=diff_ids)

    def _require(self, descriptor: Descriptor) -> None:
        """Check that nothing of an image is missing; an index may list images that are elsewhere."""
        lacking = [] if self.blobs.has(descriptor) else [descriptor.digest]
        if not lacking:
            found = self.read_manifest(descriptor)
            if isinstance(found, Manifest):
                lacking = [child.digest for child in found.children if not self.blobs.has(child)]
        if lacking:
            raise Missing(f"{self.root} does not hold {', '.join(lacking)}, which {descriptor.digest} needs")

    def _reachable(self) -> Iterator[Descriptor]:
        waiting = [descriptor for _, descriptor in self.images()]
        seen: set[Digest] = set()
        while waiting:
            descriptor = waiting.pop()
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            yield descriptor
            if descriptor.media_type in media.MANIFESTS | media.INDEXES and self.blobs.has(descriptor):
                waiting += self.read_manifest(descriptor).children


def _named(descriptor: Descriptor, name: str | Reference | None) -> manifest.Pairs:
    others = [pair for pair in descriptor.annotations if pair[0] not in {index_file.NAME, index_file.CONTAINERD_NAME}]
    return tuple(sorted([*others, *([(index_file.NAME, str(name))] if name is not None else [])]))
