"""The files of a build context: found once, sorted, never outside the context's root."""

from __future__ import annotations

import contextlib
import os
import stat
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from cog_core.context.ignore import ALWAYS_IGNORED, DEFAULT_IGNORES, IgnoreRules
from cog_core.errors import UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class EntryKind(str, Enum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@attrs.frozen(kw_only=True)
class Entry(Frozen):
    """One file, folder or symbolic link of a context.

    Attributes:
        path: Relative to the root, with ``/`` between its parts.
        mode: Permission bits as they are on disk.
        size: Bytes of a file; 0 otherwise.
        target: Where a link points, as it is written in the link; the link is never followed.
    """

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    target: str = ""


@attrs.frozen(kw_only=True)
class Survey(Frozen):
    """What a quick look at a context finds.

    Attributes:
        large: Paths of large files, sorted.
        left_out: What the rules for projects without a ``.dockerignore`` leave out, sorted, each folder once; None
            when the author wrote the rules, or when it is more than there are rules.
    """

    large: tuple[str, ...] = ()
    left_out: tuple[str, ...] | None = None


@attrs.frozen
class BuildContext(Frozen):
    """A folder, and the rules that say what of it takes part in a build.

    Attributes:
        root: The folder.
        rules: What is left out.
    """

    root: Path
    rules: IgnoreRules = attrs.field(factory=IgnoreRules)

    @classmethod
    def of_project(cls, root: Path) -> BuildContext:
        """Return the context of an author's project: its ``.dockerignore``, or sensible rules when it has none.

        Raises:
            UsageError: There is a ``.dockerignore`` that cannot be read.
        """
        try:
            rules = IgnoreRules.read((root / ".dockerignore").read_text("utf-8", "surrogateescape"))
        except FileNotFoundError:
            rules = IgnoreRules(DEFAULT_IGNORES)
        except OSError as error:
            raise UsageError(f"cannot read {root / '.dockerignore'}: {error.strerror}") from error
        return cls(root, rules.followed_by(*ALWAYS_IGNORED))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, folders before their content, sorted by the bytes of their paths.

        Sockets, pipes and devices are left out: no image can hold them usefully.

        Raises:
            UsageError: A file or folder cannot be read.
        """
        with _readable():
            return tuple(sorted(self._walk(""), key=lambda entry: os.fsencode(entry.path)))

    def survey(self, size: int) -> Survey:
        """Look at all files without describing each, which takes a third of the time of :attr:`entries`.

        Args:
            size: Bytes from which on a file is large.

        Raises:
            UsageError: A folder cannot be read.
        """
        large: list[str] = []
        left_out: list[str] = []
        with _readable():
            self._look("", size, large, left_out)
        ours = self.rules == IgnoreRules(DEFAULT_IGNORES).followed_by(*ALWAYS_IGNORED)
        few = ours and len(left_out) <= len(DEFAULT_IGNORES)
        return Survey(large=_sorted(large), left_out=_sorted(left_out) if few else None)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)

    def path_of(self, entry: Entry) -> Path:
        """Return where an entry lies on this machine."""
        return self.root / entry.path

    def _walk(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder; an excluded folder appears only as far as something in it comes back."""
        above, excludes = f"{folder}/" if folder else "", self.rules.excludes
        with os.scandir(self.root / folder) as children:
            for child in children:
                path = above + child.name
                left_out = excludes(path)
                if child.is_dir(follow_symlinks=False):
                    if left_out and not self.rules.may_include_below(path):
                        continue
                    below = list(self._walk(path))
                    if below or not left_out:
                        yield _entry(child, path)
                    yield from below
                elif not left_out and (child.is_file(follow_symlinks=False) or child.is_symlink()):
                    yield _entry(child, path)

    def _look(self, folder: str, size: int, large: list[str], left_out: list[str]) -> None:
        above, excludes = f"{folder}/" if folder else "", self.rules.excludes
        with os.scandir(self.root / folder) as children:
            for child in children:
                path = above + child.name
                if excludes(path):
                    left_out.append(path)
                    if not (child.is_dir(follow_symlinks=False) and self.rules.may_include_below(path)):
                        continue
                if child.is_dir(follow_symlinks=False):
                    self._look(path, size, large, left_out)
                elif child.is_file(follow_symlinks=False) and child.stat(follow_symlinks=False).st_size >= size:
                    large.append(path)


def _sorted(paths: list[str]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=os.fsencode))


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Make an error for people of what cannot be read."""
    try:
        yield
    except PermissionError as error:
        raise UsageError(
            f"cannot read {error.filename}",
            hint="Make it readable, or leave it out of the build with a line in .dockerignore.",
        ) from error


def _entry(child: os.DirEntry[str], path: str) -> Entry:
    info = child.stat(follow_symlinks=False)
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISDIR(info.st_mode):
        return Entry(path=path, kind=EntryKind.FOLDER, mode=mode)
    if stat.S_ISLNK(info.st_mode):
        return Entry(path=path, kind=EntryKind.LINK, mode=0o777, target=os.readlink(child.path))  # noqa: PTH115 - Path would tidy the target
    return Entry(path=path, kind=EntryKind.FILE, mode=mode, size=info.st_size)
