"""The list of images of a layout (OCI image specification, "Image Layout", "index.json")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cog_oci import canonical, media
from cog_oci.errors import InvalidImage, InvalidReference
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "index.json"
"""Name of the file in the layout's folder."""

NAME: Final = "org.opencontainers.image.ref.name"
"""Annotation that holds an image's name (OCI image specification, "Annotations"); we write full references."""

CONTAINERD_NAME: Final = "io.containerd.image.name"
"""Annotation that containerd, and Docker with its image store, read before the other."""


def read(root: Path) -> list[dict[str, Any]]:
    """Return the entries as they stand there, so that what other tools wrote is kept when the list changes.

    Raises:
        InvalidImage: The file is missing or damaged.
    """
    path = root / FILE
    try:
        value = canonical.load_file(path).get("manifests")
    except FileNotFoundError as error:
        raise InvalidImage(f"{root} is no OCI image layout: it has no {FILE}") from error
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise InvalidImage(f"{path} has no list of manifests")
    return value


def dump(entries: list[dict[str, Any]]) -> bytes:
    """Return the file's text for entries."""
    return canonical.dump({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries})


def with_entry(entries: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return entries with one more at the end; its name is taken from the others, and it says nothing twice."""
    name, digest = name_of(entry), entry["digest"]
    if name is None:
        return entries if any(old.get("digest") == digest for old in entries) else [*entries, entry]
    nameless = [old for old in entries if name_of(old) is None and old.get("digest") == digest]
    return [*(old for old in entries if old not in nameless and not is_same(name_of(old), name)), entry]


def name_of(entry: Mapping[str, Any]) -> str | None:
    """Return the name of the image that an entry describes."""
    annotations = entry.get("annotations")
    name = annotations.get(NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def is_same(known: str | None, name: str) -> bool:
    """Say whether a name in the list is what was asked for, in full or in short."""
    if known is None or known == name:
        return known == name
    try:
        return Reference.parse(known) == Reference.parse(name)
    except InvalidReference:
        return False
