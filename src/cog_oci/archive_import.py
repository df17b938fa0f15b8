"""Archives of images as ``docker save``, ``podman save``, ``skopeo`` and BuildKit write them, read into a layout."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from cog_oci import canonical, index_file, media
from cog_oci import digest as digests
from cog_oci.archive_reader import DEFAULT_LIMITS, Limits, MemberKind, clean, read_members
from cog_oci.decompress import media_suffix, plain
from cog_oci.errors import DigestMismatch, InvalidImage, InvalidReference, Missing
from cog_oci.frozen import Frozen
from cog_oci.image_config import diff_ids
from cog_oci.image_layers import open_layer
from cog_oci.manifest import Descriptor, Index, Manifest
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cog_oci.archive_reader import Content
    from cog_oci.digest import Readable
    from cog_oci.layout import Layout

_DOCUMENTS = frozenset({"manifest.json", index_file.FILE, "oci-layout", "repositories"})
# What Docker's first format says about each layer; manifest.json says it better.
_LEFT_OUT = frozenset({"VERSION", "json"})
_BLOBS = "blobs/sha256/"
_MOST_LINKS = 8


@attrs.frozen(kw_only=True)
class LoadedImage(Frozen):
    """An image that was in an archive.

    Attributes:
        names: What it is called, in full; empty when it has no name.
        descriptor: Of its manifest or index.
    """

    names: tuple[str, ...]
    descriptor: Descriptor


@attrs.frozen(kw_only=True)
class _Files(Frozen):
    """What an archive holds: documents in memory, everything else as blobs of the layout."""

    documents: Mapping[str, bytes]
    blobs: Mapping[str, Descriptor]
    links: Mapping[str, str]

    def blob(self, path: object) -> Descriptor:
        """Return the blob at a path that a document names, through links."""
        name = clean(str(path))
        for _ in range(_MOST_LINKS):
            if name in self.blobs:
                return self.blobs[name]
            if name not in self.links:
                break
            name = self.links[name]
        raise Missing(f"the archive does not hold {str(path)[:200]!r}, which its list of images names")


def read_archive(
    source: Path | Readable, layout: Layout, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[LoadedImage, ...]:
    """Read all images of an archive into a layout, under the names that they have there.

    Args:
        source: The archive, compressed or not; read once from its beginning to its end.
        layout: Where the images go.
        limits: How much the archive may ask for.

    Raises:
        UnsafeArchive: It names paths outside of itself.
        DigestMismatch: Something in it is not what its digest promises.
        Missing: Something is not in it.
        InvalidImage: It holds no image.
    """
    if isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            return read_archive(file, layout, limits=limits)
    with plain(source) as archive:
        files = _read_files(archive, layout, limits)
    names = _docker_names(files)
    if index_file.FILE in files.documents:
        found = tuple(_oci_images(files, layout, names))
    elif "manifest.json" in files.documents:
        found = tuple(_docker_images(files, layout))
    else:
        raise InvalidImage(
            "the archive has neither manifest.json nor index.json",
            hint="Archives that Docker wrote before 1.10 have neither: load and save the image with a newer one."
            if "repositories" in files.documents
            else "Is it an archive of an image, as `docker save` writes it?",
        )
    for image in found:
        for name in image.names or (None,):
            layout.tag(name, image.descriptor)
    return found


def _read_files(archive: Readable, layout: Layout, limits: Limits) -> _Files:
    documents: dict[str, bytes] = {}
    blobs: dict[str, Descriptor] = {}
    links: dict[str, str] = {}
    for member, content in read_members(archive, limits):
        path = member.path
        if member.kind is MemberKind.SYMLINK:
            links[path] = clean(posixpath.normpath(posixpath.join(posixpath.dirname(path), member.target)))
        elif member.kind is MemberKind.HARDLINK:
            links[path] = member.target
        elif member.kind is not MemberKind.FILE or posixpath.basename(path) in _LEFT_OUT:
            continue
        elif path in _DOCUMENTS:
            documents[path] = content.read_all(canonical.LIMIT)
        else:
            blobs[path] = _store(path, content, layout)
    return _Files(documents=documents, blobs=blobs, links=links)


def _store(path: str, content: Content, layout: Layout) -> Descriptor:
    """Store a file as a blob whose media type says how it is compressed, should it be a layer."""
    with layout.blobs.writer() as blob:
        data = content.read(digests.CHUNK)
        media_type = media.OCI_LAYER + media_suffix(data)
        while data:
            blob.write(data)
            data = content.read(digests.CHUNK)
        if path.startswith(_BLOBS) and f"sha256:{path.removeprefix(_BLOBS)}" != blob.digest:
            raise DigestMismatch(f"the archive's {path} is {blob.digest}")
        return blob.commit(media_type)


def _docker_list(files: _Files) -> list[dict[str, Any]]:
    data = files.documents.get("manifest.json")
    return [] if data is None else canonical.load_list(data, what="the archive's manifest.json")


def _docker_names(files: _Files) -> dict[digests.Digest, tuple[str, ...]]:
    """Return full names by image id."""
    found: dict[digests.Digest, tuple[str, ...]] = {}
    for item in _docker_list(files):
        tags = item.get("RepoTags") or []
        if not isinstance(tags, list):
            raise InvalidImage("the archive's manifest.json has RepoTags that are no list")
        config = files.blob(item.get("Config")).digest
        found[config] = (*found.get(config, ()), *(str(Reference.parse(str(tag))) for tag in tags))
    return found


def _docker_images(files: _Files, layout: Layout) -> Iterator[LoadedImage]:
    names = _docker_names(files)
    for item in _docker_list(files):
        config = attrs.evolve(files.blob(item.get("Config")), media_type=media.OCI_CONFIG)
        paths = item.get("Layers")
        if not isinstance(paths, list):
            raise InvalidImage("the archive's manifest.json has no list of layers")
        manifest = Manifest(config=config, layers=tuple(files.blob(path) for path in paths))
        _check_layers(manifest, layout)
        yield LoadedImage(names=names[config.digest], descriptor=layout.put_manifest(manifest))


def _check_layers(manifest: Manifest, layout: Layout) -> None:
    """Compare layers with what the configuration promises, as nothing else in Docker's format does."""
    data = layout.blobs.read(manifest.config, limit=canonical.LIMIT)
    promised = diff_ids(canonical.load(data, what=f"configuration {manifest.config.digest}"))
    if len(promised) != len(manifest.layers):
        raise InvalidImage(
            f"the archive's image has another number of layers ({len(manifest.layers)}) "
            f"than its configuration ({len(promised)})"
        )
    for layer, diff_id in zip(manifest.layers, promised, strict=True):
        if media.is_plain_layer(layer.media_type) and layer.digest != diff_id:
            raise DigestMismatch(f"the archive holds layer {layer.digest} where {diff_id} was promised")
        if not media.is_plain_layer(layer.media_type):
            with open_layer(layout, layer, diff_id):
                pass


def _oci_images(
    files: _Files, layout: Layout, docker_names: Mapping[digests.Digest, tuple[str, ...]]
) -> Iterator[LoadedImage]:
    what = f"the archive's {index_file.FILE}"
    entries = canonical.load(files.documents[index_file.FILE], what=what).get("manifests")
    if not isinstance(entries, list):
        raise InvalidImage(f"{what} has no list of images")
    names: dict[Descriptor, list[str]] = {}
    for entry in (Descriptor.from_json(entry, what=what) for entry in entries):
        descriptor = _complete(attrs.evolve(entry, annotations=()), layout)
        value = layout.read_manifest(descriptor)
        known = docker_names.get(value.config.digest, ()) if isinstance(value, Manifest) else ()
        names.setdefault(descriptor, []).extend(known or _names(entry))
    for descriptor, found in names.items():
        yield LoadedImage(names=tuple(dict.fromkeys(found)), descriptor=descriptor)


def _complete(descriptor: Descriptor, layout: Layout) -> Descriptor:
    """Return an image; for an index of images of which some were not saved, what is left of it."""
    if not layout.blobs.has(descriptor):
        raise Missing(f"the archive does not hold the manifest {descriptor.digest}")
    value = layout.read_manifest(descriptor)
    if not isinstance(value, Index) or all(map(layout.blobs.has, value.manifests)):
        return descriptor
    present = tuple(child for child in value.manifests if layout.blobs.has(child) and not _is_attestation(child))
    if len(present) == 1:
        return attrs.evolve(present[0], annotations=())
    return layout.put_manifest(attrs.evolve(value, manifests=present))


def _is_attestation(descriptor: Descriptor) -> bool:
    """Say whether this is BuildKit's note about an image, which engines leave behind when they save one."""
    return descriptor.platform is not None and descriptor.platform.os == "unknown"


def _names(entry: Descriptor) -> tuple[str, ...]:
    """Return an image's name; other tools may have written only a tag there, which is kept as it is."""
    name = entry.annotation(index_file.CONTAINERD_NAME) or entry.annotation(index_file.NAME)
    if name is None:
        return ()
    try:
        return (str(Reference.parse(name)) if {":", "/"} & set(name) else name,)
    except InvalidReference:
        return (name,)
