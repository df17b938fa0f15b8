"""Writing into a folder on behalf of a stranger: no path leads out of it, whatever links it holds."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cog_oci.digest import CHUNK
from cog_oci.errors import InvalidImage, UnsafeArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

    from cog_oci.digest import Readable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BAD_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


class SafeFolder:
    """A folder whose every path is walked one name at a time, without following links (openat(2), ``O_NOFOLLOW``).

    Paths are relative, without ``.`` and ``..``; the empty path is the folder itself.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _FOLDER)
        self._at = ""
        self._at_fd = os.dup(self._root)

    def make_folder(self, path: str) -> None:
        """Make a folder that its owner may use; one that is there stays, anything else gives way."""
        if not path:
            return
        with self._parent(path) as (parent, name):
            if not _is_folder(parent, name):
                _unlink(parent, name)
                os.mkdir(name, 0o700, dir_fd=parent)

    def write_file(self, path: str, content: Readable, finish: Callable[[int], None]) -> None:
        """Write a new file in the place of whatever is there; ``finish`` is called with its descriptor at the end."""
        with self._place(path) as (parent, name):
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                while data := content.read(CHUNK):
                    view = memoryview(data)
                    while view:
                        view = view[file.write(view) :]
                finish(descriptor)

    def make_symlink(self, path: str, target: str, finish: Callable[[int, str], None]) -> None:
        """Make a symbolic link; ``finish`` is called with its folder's descriptor and its name."""
        with self._place(path) as (parent, name):
            os.symlink(target, name, dir_fd=parent)
            finish(parent, name)

    def make_link(self, path: str, target: str) -> None:
        """Make one more name for a file of this folder.

        Raises:
            InvalidImage: There is no such file.
        """
        if path == target:
            return
        folder, _, file = target.rpartition("/")
        try:
            with self.opened(folder) as source, self._place(path) as (parent, name):
                os.link(file, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, PermissionError) as error:
            raise InvalidImage(f"hard link {path!r} means {target!r}, which is no file of the image") from error

    def remove(self, path: str) -> None:
        """Remove whatever is at a path; nothing there is no error."""
        self._forget()
        try:
            with self._parent(path, make=False) as (parent, name):
                _remove(parent, name)
        except FileNotFoundError:
            pass

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a folder; none when there is no such folder."""
        with suppress(FileNotFoundError), self.opened(path) as descriptor:
            return tuple(os.listdir(descriptor))  # noqa: PTH208  a descriptor has no Path
        return ()

    def is_folder(self, path: str) -> bool:
        """Say whether a folder, and not a link to one, is at a path."""
        with suppress(FileNotFoundError), self._parent(path, make=False) as (parent, name):
            return not path or _is_folder(parent, name)
        return False

    @contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """Yield the descriptor of a folder."""
        descriptor = self._open_folder(path, make=False)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _place(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield the parent's descriptor and a name in it that is free."""
        if not path:
            raise UnsafeArchive("an archive replaces its root folder")
        with self._parent(path) as (parent, name):
            if _is_folder(parent, name):
                self._forget()
                _remove(parent, name)
            else:
                _unlink(parent, name)
            yield parent, name

    @contextmanager
    def _parent(self, path: str, *, make: bool = True) -> Iterator[tuple[int, str]]:
        folder, _, name = path.rpartition("/")
        if folder != self._at:
            descriptor = self._open_folder(folder, make=make)
            os.close(self._at_fd)
            self._at, self._at_fd = folder, descriptor
        parent = os.dup(self._at_fd)
        try:
            yield parent, name
        except OSError as error:
            if error.errno in _BAD_NAMES:
                raise InvalidImage(f"this system cannot hold {path[:300]!r}: {error.strerror}") from error
            raise
        finally:
            os.close(parent)

    def _open_folder(self, path: str, *, make: bool) -> int:
        descriptor = os.dup(self._root)
        try:
            for part in filter(None, path.split("/")):
                below = _step(descriptor, part, path, make=make)
                os.close(descriptor)
                descriptor = below
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _forget(self) -> None:
        """Stop keeping a folder open that may be about to go."""
        os.close(self._at_fd)
        self._at, self._at_fd = "", os.dup(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._at_fd)
        os.close(self._root)


def remove_folder(path: Path) -> None:
    """Remove a folder and all below it, even where modes forbid it; nothing there is no error."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        path.chmod(0o700)
        for root, names, _ in os.walk(path):
            for folder in (path / root / name for name in names):
                if not folder.is_symlink():
                    folder.chmod(0o700)
        shutil.rmtree(path)


def _step(descriptor: int, part: str, path: str, *, make: bool) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except FileNotFoundError:
        if not make:
            raise
        os.mkdir(part, 0o755, dir_fd=descriptor)
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise UnsafeArchive(f"an archive writes {path!r} through {part!r}, which is no folder") from error
        if error.errno in _BAD_NAMES:
            raise InvalidImage(f"this system cannot hold {path[:300]!r}: {error.strerror}") from error
        raise


def _is_folder(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
    except FileNotFoundError:
        return False


def _unlink(parent: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _remove(parent: int, name: str) -> None:
    if not _is_folder(parent, name):
        _unlink(parent, name)
        return
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        for below in os.listdir(descriptor):  # noqa: PTH208  a descriptor has no Path
            _remove(descriptor, below)
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=parent)
