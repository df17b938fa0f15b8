"""The embedded backend's own store: images, layers by what they are made from, and layers unpacked to be run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Final

import attrs

from cog_oci import canonical, media
from cog_oci.files import replace_file
from cog_oci.frozen import Frozen
from cog_oci.layers import pack
from cog_oci.layout import Image, Layout
from cog_oci.locks import locked
from cog_oci.manifest import Descriptor, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from cog_oci.digest import Digest
    from cog_oci.entries import Entry
    from cog_oci.ground import Ground, Likeness
    from cog_oci.tree import Tree

FORMAT: Final = 1
"""Grows when the same inputs give other layers."""


@attrs.frozen(kw_only=True)
class StoredLayer(Frozen):
    """A layer in the store.

    Attributes:
        descriptor: Of the blob, perhaps compressed.
        diff_id: Digest of the uncompressed archive.
        created_by: What made it, for the image's history.
        cached: It was there before.
        folders: What it makes of folders that are not plain (:meth:`cog_oci.ground.Ground.changed`).
    """

    descriptor: Descriptor
    diff_id: Digest
    created_by: str = ""
    cached: bool = False
    folders: Mapping[str, Likeness] = attrs.field(factory=dict, eq=False)


@attrs.frozen
class Store(Frozen):
    """Everything below the user's cache folder; several processes may use it at once."""

    root: Path

    @property
    def layout(self) -> Layout:
        """The images."""
        return Layout.create(self.root / "images")

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a folder that is gone in the end."""
        parent = self.root / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        folder = parent / f"oci-{os.urandom(8).hex()}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def layer(self, key: tuple[str, ...]) -> StoredLayer | None:
        """Return the layer that was made from these inputs, if it is still there."""
        try:
            record = canonical.load_file(self._record(key))
            descriptor = Descriptor.from_json({**record, "mediaType": media.OCI_LAYER}, what="a layer's record")
        except (FileNotFoundError, ValueError, KeyError):
            return None
        if not self.layout.blobs.keep(descriptor):
            return None
        folders = _likenesses(record.get("folders", {}))
        return StoredLayer(descriptor=descriptor, diff_id=descriptor.digest, cached=True, folders=folders)

    def make_layer(
        self,
        entries: Iterable[Entry],
        *,
        mtime: int,
        key: tuple[str, ...] | None = None,
        folders: Mapping[str, Likeness] | None = None,
    ) -> StoredLayer:
        """Pack a layer, and remember what it was made from, and what it makes of folders, when a key is given."""
        folders = folders or {}
        with self.layout.blobs.writer() as blob:
            pack(entries, blob, mtime=mtime)
            descriptor = blob.commit(media.OCI_LAYER)
        if key is not None:
            record = self._record(key)
            record.parent.mkdir(parents=True, exist_ok=True)
            facts = {"folders": {path: list(like) for path, like in folders.items()}} if folders else {}
            document = canonical.dump({"digest": str(descriptor.digest), "size": descriptor.size, **facts})
            replace_file(record, document, folder=self.layout.blobs.scratch)
        return StoredLayer(descriptor=descriptor, diff_id=descriptor.digest, folders=folders)

    def ground(self, layers: Iterable[StoredLayer], read: Callable[[], Tree]) -> Ground:
        """Return what lies below whoever is laid over these layers; they are read once."""
        from cog_oci.ground import Ground, of_tree  # noqa: PLC0415 - what only reads the store needs it not

        record = self._record(("ground", *(str(layer.diff_id) for layer in layers)))
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            known = canonical.load_file(record)
            return Ground(_likenesses(known["folders"]), known["links"])
        found = of_tree(read())
        record.parent.mkdir(parents=True, exist_ok=True)
        document = {"folders": {path: list(like) for path, like in found.folders.items()}, "links": dict(found.links)}
        # Names that are no UTF-8 are carried as surrogates, which plain JSON escapes.
        replace_file(record, json.dumps(document).encode(), folder=self.layout.blobs.scratch)
        return found

    def unpacked(self, layers: tuple[tuple[Descriptor, Digest], ...]) -> Path:
        """Return a folder that holds these layers, lowest first, as one tree; made when it is not there."""
        name = hashlib.sha256("\n".join(diff_id for _, diff_id in layers).encode()).hexdigest()
        home = self.root / "unpacked"
        home.mkdir(parents=True, exist_ok=True)
        folder = home / name
        if folder.exists():
            return folder
        from cog_oci.unpack import unpack  # noqa: PLC0415 - slow to load, and builds need no unpacked layers

        with locked(home / f".{name}.lock"):
            if not folder.exists():
                unpack(self.layout, _only(layers), folder)
        (home / f".{name}.lock").unlink(missing_ok=True)
        return folder

    def lower_folders(self, image: Image) -> tuple[Path, ...]:
        """Return unpacked folders that give the image when laid over each other, the highest first.

        Layers that delete something are unpacked together with those below them.
        """
        pairs = tuple(zip(image.manifest.layers, image.diff_ids, strict=True))
        merged = 0
        for number, (descriptor, diff_id) in enumerate(pairs, 1):
            if self._deletes(descriptor, diff_id):
                merged = number
        groups = [pairs[:merged]] if merged else []
        groups += [(pair,) for pair in pairs[merged:]]
        return tuple(self.unpacked(group) for group in reversed(groups))

    def _deletes(self, descriptor: Descriptor, diff_id: Digest) -> bool:
        """Say whether a layer holds whiteouts; found out once."""
        record = self.root / "whiteouts" / diff_id.replace(":", "-")
        if not record.exists():
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(self._holds_whiteouts(descriptor, diff_id)), "ascii")
        return record.read_text("ascii") != "false"

    def _holds_whiteouts(self, descriptor: Descriptor, diff_id: Digest) -> bool:
        from cog_oci import whiteouts  # noqa: PLC0415 - as above
        from cog_oci.archive_reader import read_members  # noqa: PLC0415
        from cog_oci.image_layers import open_layer  # noqa: PLC0415

        with open_layer(self.layout, descriptor, diff_id) as archive:
            return any(whiteouts.is_marker(member.path) for member, _ in read_members(archive))

    @staticmethod
    def name_of(key: tuple[str, ...]) -> str:
        """Return a file name for what is made from these inputs."""
        return hashlib.sha256(json.dumps([FORMAT, *key]).encode()).hexdigest()

    def _record(self, key: tuple[str, ...]) -> Path:
        return self.root / "layers" / f"{self.name_of(key)}.json"


def _likenesses(record: Mapping[str, list[int]]) -> dict[str, Likeness]:
    return {path: (mode, uid, gid) for path, (mode, uid, gid) in record.items()}


def _only(layers: tuple[tuple[Descriptor, Digest], ...]) -> Image:
    """Return layers as something that can be unpacked."""
    nothing = Descriptor(media_type=media.OCI_CONFIG, digest=layers[0][1], size=0)
    manifest = Manifest(config=nothing, layers=tuple(descriptor for descriptor, _ in layers))
    return Image(descriptor=nothing, manifest=manifest, config={}, diff_ids=tuple(diff_id for _, diff_id in layers))
