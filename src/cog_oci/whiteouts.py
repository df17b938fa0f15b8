"""Files that stand for absence (OCI image specification, "Image Layer Filesystem Changeset", "Whiteouts")."""

from __future__ import annotations

from cog_oci.entries import Entry, Kind
from cog_oci.errors import UnsafeArchive

PREFIX = ".wh."
"""What the name of a deleted file begins with."""

OPAQUE = ".wh..wh..opq"
"""A file of this name hides everything that lower layers have in its folder."""

_METADATA = ".wh..wh."


def whiteout(path: str, *, mtime: int = 0) -> Entry:
    """Return the entry that deletes a path of the layers below."""
    folder, _, name = path.rpartition("/")
    return Entry(path=_join(folder, PREFIX + name), kind=Kind.FILE, mtime=mtime)


def opaque(folder: str, *, mtime: int = 0) -> Entry:
    """Return the entry that deletes everything that the layers below have in a folder."""
    return Entry(path=_join(folder, OPAQUE), kind=Kind.FILE, mtime=mtime)


def deleted(path: str) -> str | None:
    """Return the path that this path deletes, or None when it is an ordinary one or marks a folder as opaque.

    Raises:
        UnsafeArchive: It would delete a folder's parent or the folder itself.
    """
    folder, _, name = path.rpartition("/")
    if not name.startswith(PREFIX) or name.startswith(_METADATA) or name == PREFIX:
        return None
    if name[len(PREFIX) :] in {".", ".."}:
        raise UnsafeArchive(f"layer deletes outside of its folder: {path!r}")
    return _join(folder, name[len(PREFIX) :])


def is_marker(path: str) -> bool:
    """Say whether a path never becomes a file: it deletes, marks, or is left over from aufs."""
    return path.rpartition("/")[2].startswith(PREFIX)


def opaque_folder(path: str) -> str | None:
    """Return the folder that this path marks as opaque, ``""`` for the root; None when it marks none."""
    folder, _, name = path.rpartition("/")
    return folder if name == OPAQUE else None


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
