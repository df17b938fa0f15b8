"""A release of Debian as one mirror has it: its suites seen as one, as apt sees them."""

from __future__ import annotations

import difflib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.fetch import NotThere, Unreachable
from cog_backends.oci.debian.lists import Expired, NotDebian, load_index, load_release
from cog_backends.oci.debian.signature import BadSignature
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self

    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.index import Index
    from cog_backends.oci.debian.package import Package
    from cog_backends.oci.debian.sources import Mirror
    from cog_core.errors import BackendError

_WORTH_ANOTHER_MIRROR: Final = (NotThere, Unreachable, BadSignature, NotDebian, Expired)


@attrs.frozen(kw_only=True)
class Archive(Frozen):
    """The packages of a release for one architecture. Close it, or use it as a context.

    Attributes:
        codename: Such as ``trixie``.
        architecture: Debian's name, such as ``arm64``.
        suites: Pairs of address and suite that were found; the addresses may hold credentials.
        indexes: One for each suite.
    """

    codename: str
    architecture: str
    suites: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    indexes: tuple[Index, ...] = attrs.field(repr=False)

    def candidates(self, name: str) -> tuple[Package, ...]:
        """Return the versions of a package, the newest first."""
        found = [package for index in self.indexes for package in index.named(name)]
        return tuple(sorted(found, key=lambda package: package.order, reverse=True))

    def candidate(self, name: str) -> Package | None:
        """Return the version of a package that apt would install: the newest."""
        return next(iter(self.candidates(name)), None)

    def providers(self, name: str) -> tuple[Package, ...]:
        """Return the packages whose newest version provides a name."""
        names = dict.fromkeys(package.name for index in self.indexes for package in index.providing(name))
        found = filter(None, map(self.candidate, names))
        return tuple(package for package in found if any(given.name == name for given in package.provides))

    def required(self) -> tuple[str, ...]:
        """Return the names of the packages that every Debian system has."""
        return tuple(sorted({name for index in self.indexes for name in index.required()}))

    def near(self, name: str) -> tuple[str, ...]:
        """Return names that look like this one, the most similar first."""
        names = {known for index in self.indexes for known in index.names()}
        likely = [known for known in names if abs(len(known) - len(name)) <= 4 and known[:1] == name[:1]]
        return tuple(difflib.get_close_matches(name, sorted(likely), n=3, cutoff=0.7))

    def close(self) -> None:
        """Close the indexes."""
        for index in self.indexes:
            index.close()

    def __enter__(self) -> Self:
        """Return the open archive."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the indexes."""
        self.close()


def open_archive(
    mirrors: Iterable[Mirror], codename: str, architecture: str, doors: Doors, *, fresh: bool = False
) -> Archive:
    """Open a release at the first mirror that has it.

    Args:
        mirrors: Where to look, in order of preference; not empty.
        codename: Such as ``trixie``.
        architecture: Debian's name, such as ``arm64``.
        doors: Cache, network, programs.
        fresh: Ask the mirror even when the lists in the cache are young.

    Raises:
        BackendError: No mirror has it; the error is that of the first one.
    """
    failures = []
    for mirror in mirrors:
        match _attempt(mirror, codename, architecture, doors, fresh=fresh):
            case Archive() as archive:
                return archive
            case failure:
                failures.append(failure)
    raise failures[0]


def _attempt(
    mirror: Mirror, codename: str, architecture: str, doors: Doors, *, fresh: bool
) -> Archive | BackendError:
    try:
        return _open(mirror, codename, architecture, doors, fresh=fresh)
    except _WORTH_ANOTHER_MIRROR as error:
        return error


def _open(mirror: Mirror, codename: str, architecture: str, doors: Doors, *, fresh: bool) -> Archive:
    suites: list[tuple[str, str]] = []
    indexes: list[Index] = []
    with ExitStack() as stack:
        for site, suite in mirror.suites(codename):
            try:
                release = load_release(site, suite, doors, fresh=fresh)
                index = load_index(site, suite, release, architecture, doors)
            except NotThere:
                if suite == codename:
                    raise
                doors.note(f"the mirror has no {suite}; going on without it")
                continue
            stack.callback(index.close)
            suites.append((site, suite))
            indexes.append(index)
        stack.pop_all()
    return Archive(codename=codename, architecture=architecture, suites=tuple(suites), indexes=tuple(indexes))
