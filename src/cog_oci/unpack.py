"""An image's files in a folder, put there by root or by an ordinary user."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from cog_oci import whiteouts
from cog_oci.archive_reader import DEFAULT_LIMITS, Limits, Member, MemberKind, read_members
from cog_oci.image_layers import open_layer
from cog_oci.safe_folder import SafeFolder, remove_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cog_oci.archive_reader import Content
    from cog_oci.digest import Readable
    from cog_oci.layout import Image, Layout

_OTHERS_POWERS = 0o6000


def unpack(
    layout: Layout, image: Image, folder: Path, *, owners: bool = False, limits: Limits = DEFAULT_LIMITS
) -> None:
    """Write the files of an image into a new folder, which appears when it is complete.

    Whiteouts, hard links, symbolic links, modes and times are obeyed; devices and extended attributes are left out.

    Args:
        layout: Where the image is.
        image: The image.
        folder: What to make; its parent must exist.
        owners: Give files to the users and groups that the image names, which only root can do. Otherwise all
            belong to us, and none keeps its setuid or setgid bit, which would lend our powers to others.
        limits: How much a layer may ask for.

    Raises:
        FileExistsError: The folder exists.
        UnsafeArchive: A layer reaches outside of the folder.
        InvalidImage: A layer is damaged or not what it should be.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists")
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.partial")
    try:
        partial.mkdir(mode=0o700)
        with SafeFolder(partial) as safe:
            unpacking = _Unpacking(safe, owners=owners)
            for layer, diff_id in zip(image.manifest.layers, image.diff_ids, strict=True):
                with open_layer(layout, layer, diff_id) as archive:
                    unpacking.apply(archive, limits)
            unpacking.finish_folders()
        partial.rename(folder)
    except BaseException:
        remove_folder(partial)
        raise


class _Unpacking:
    """The state between members: what this layer wrote, and what folders are to look like in the end.

    Folders get their modes and times last, as a folder may forbid what comes after it.
    """

    def __init__(self, folder: SafeFolder, *, owners: bool) -> None:
        self._folder = folder
        self._owners = owners
        self._folders: dict[str, Member] = {"": _plain_folder("")}
        self._written: set[str] = set()

    def apply(self, archive: Readable, limits: Limits) -> None:
        """Put one layer on top."""
        self._written = {""}
        for member, content in read_members(archive, limits):
            if (gone := whiteouts.deleted(member.path)) is not None:
                self._delete_lower(gone)
            elif (emptied := whiteouts.opaque_folder(member.path)) is not None:
                self._empty(emptied)
            elif not whiteouts.is_marker(member.path):
                self._write(member, content)

    def finish_folders(self) -> None:
        """Give folders their modes, owners and times, the deepest first."""
        for path in sorted(self._folders, reverse=True):
            if self._is_reachable(path) and self._folder.is_folder(path):
                with self._folder.opened(path) as descriptor:
                    self._finish(descriptor, self._folders[path])

    def _write(self, member: Member, content: Content) -> None:
        if member.kind is MemberKind.DEVICE:
            return
        self._note(member.path)
        match member.kind:
            case MemberKind.FOLDER:
                self._folder.make_folder(member.path)
                self._folders[member.path] = member
            case MemberKind.FILE:
                self._folder.write_file(member.path, content, lambda descriptor: self._finish(descriptor, member))
            case MemberKind.SYMLINK:
                self._folder.make_symlink(
                    member.path, member.target, lambda parent, name: self._finish_link(parent, name, member)
                )
            case _:
                self._folder.make_link(member.path, member.target)

    def _note(self, path: str) -> None:
        """Remember a path and its parents as this layer's, which its own whiteouts do not concern."""
        while path and path not in self._written:
            self._written.add(path)
            path = path.rpartition("/")[0]
            self._folders.setdefault(path, _plain_folder(path))

    def _delete_lower(self, path: str) -> None:
        if path in self._written:
            self._empty(path)
        elif self._is_reachable(path):
            self._folder.remove(path)

    def _empty(self, folder: str) -> None:
        """Remove what lower layers have in a folder."""
        if not self._folder.is_folder(folder) or not self._is_reachable(folder):
            return
        for name in self._folder.names(folder):
            self._delete_lower(f"{folder}/{name}" if folder else name)

    def _is_reachable(self, path: str) -> bool:
        """Say whether all folders above a path are folders; nothing is deleted through links."""
        parents = path.split("/")[:-1]
        return all(self._folder.is_folder("/".join(parents[: depth + 1])) for depth in range(len(parents)))

    def _finish(self, descriptor: int, member: Member) -> None:
        mode = member.mode
        if self._owners:
            os.chown(descriptor, member.uid, member.gid)
        else:
            mode &= ~_OTHERS_POWERS
        os.fchmod(descriptor, mode)
        os.utime(descriptor, (member.mtime, member.mtime))

    def _finish_link(self, parent: int, name: str, member: Member) -> None:
        if self._owners:
            os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
        with suppress(NotImplementedError):
            os.utime(name, (member.mtime, member.mtime), dir_fd=parent, follow_symlinks=False)


def _plain_folder(path: str) -> Member:
    return Member(path=path, kind=MemberKind.FOLDER, mode=0o755)
