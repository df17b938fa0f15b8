"""Images on disk without any engine: OCI layouts, and archives as ``docker save`` writes them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CHUNK = 1 << 20
_MEDIA = "application/vnd.oci.image."  # OCI image specification, "Media types"
_GZIP = b"\x1f\x8b"
_REFERENCE = "org.opencontainers.image.ref.name"


def write_layout(folder: Path, *, tag: str, config: bytes, layers: Sequence[Path]) -> str:
    """Write an OCI layout of one image (OCI image specification, "Image Layout").

    Args:
        folder: A new folder.
        tag: The image's name inside of the layout.
        config: The image's configuration, whose ``diff_ids`` fit the layers.
        layers: Tar files, compressed by gzip or not at all; they are linked into the layout, not copied.

    Returns:
        The digest of the manifest.
    """
    (folder / "blobs" / "sha256").mkdir(parents=True)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}manifest.v1+json",
        "config": _put(folder, config, f"{_MEDIA}config.v1+json"),
        "layers": [_put_layer(folder, layer) for layer in layers],
    }
    described = _put(folder, json.dumps(manifest).encode(), manifest["mediaType"])
    entry = {**described, "platform": _platform(config), "annotations": {_REFERENCE: tag}}
    index = {"schemaVersion": 2, "mediaType": f"{_MEDIA}index.v1+json", "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return str(described["digest"])


def archive_from_layout(layout: Path, file: Path, *, reference: str) -> None:
    """Write the image of a layout as an archive that ``docker load`` and ``podman load`` read."""
    entry = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"][0]
    manifest = json.loads(_blob(layout, entry["digest"]).read_bytes())
    names = {part["digest"]: part["digest"].partition(":")[2] for part in (manifest["config"], *manifest["layers"])}
    config = f"{names[manifest['config']['digest']]}.json"
    tars = [f"{names[part['digest']]}.tar" for part in manifest["layers"]]
    with tarfile.open(file, "w") as archive:
        archive.add(_blob(layout, manifest["config"]["digest"]), config)
        for name, part in dict(zip(tars, manifest["layers"], strict=True)).items():
            archive.add(_blob(layout, part["digest"]), name)
        listed = json.dumps([{"Config": config, "RepoTags": [reference], "Layers": tars}]).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(listed)
        archive.addfile(member, io.BytesIO(listed))


def layout_from_archive(file: Path, folder: Path, *, tag: str, scratch: Path) -> str:
    """Write the one image of a ``docker save`` archive as an OCI layout; return the digest of its manifest.

    Args:
        file: The archive.
        folder: A new folder.
        tag: The image's name inside of the layout.
        scratch: An existing folder on the same file system, for layers on their way.
    """
    with tarfile.open(file) as archive:
        listed = json.loads(_member(archive, "manifest.json").read())[0]
        config = _member(archive, listed["Config"]).read()
        layers = []
        for number, name in enumerate(listed["Layers"]):
            layers.append(scratch / f"layer-{number}.tar")
            with layers[-1].open("wb") as out:
                shutil.copyfileobj(_member(archive, name), out, _CHUNK)
    return write_layout(folder, tag=tag, config=config, layers=layers)


def sha256(file: Path) -> str:
    """Return the digest of a file as images write it: ``sha256:`` and 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"the archive has no file {name}")
    return found


def _put(folder: Path, data: bytes, media_type: str) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    _blob(folder, digest).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _put_layer(folder: Path, file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        kind = "layer.v1.tar+gzip" if stream.read(len(_GZIP)) == _GZIP else "layer.v1.tar"
    digest = sha256(file)
    if not _blob(folder, digest).exists():
        os.link(file, _blob(folder, digest))
    return {"mediaType": f"{_MEDIA}{kind}", "digest": digest, "size": file.stat().st_size}


def _blob(folder: Path, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    return folder / "blobs" / algorithm / value


def _platform(config: bytes) -> dict[str, str]:
    said = json.loads(config)
    return {name: said[name] for name in ("architecture", "os", "variant") if said.get(name)}
