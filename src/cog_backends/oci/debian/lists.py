"""Package lists: fetched, verified, kept for a day, and used for longer when the mirror is out of reach."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.fetch import Corrupt, NotThere, Unreachable, shown
from cog_backends.oci.debian.index import Index, write_index
from cog_backends.oci.debian.release import Release
from cog_backends.oci.debian.signature import BadSignature, verify
from cog_backends.oci.debian.store import atomic_file
from cog_core.errors import BackendError
from cog_core.events import ignore

if TYPE_CHECKING:
    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.release import Checksum

FRESH: Final = 86_400.0
"""Seconds for which a list is used without asking the mirror again."""

_MAX_RELEASE: Final = 16 << 20
_COMPONENT: Final = "main"


class NotDebian(BackendError):
    """A source of packages that is not Debian's archive."""


class Expired(BackendError):
    """Package lists past their date."""


def load_release(site: str, suite: str, doors: Doors, *, fresh: bool = False) -> Release:
    """Return what a suite says about itself, its signature verified.

    Args:
        site: Address of the mirror.
        suite: Such as ``bookworm-security``.
        doors: Cache, network, programs.
        fresh: Ask the mirror even when the list in the cache is young.

    Raises:
        NotThere: The mirror has no such suite.
        Unreachable: The mirror does not answer, and there is no list in the cache.
        BadSignature: No key of Debian's archive signed the list.
        NotDebian: It is the list of something else.
        Expired: It is past its date, and that is not allowed.
    """
    path = doors.store.release(_key(site, suite))
    age = doors.now() - path.stat().st_mtime if path.is_file() else None
    if age is None or fresh or not 0 <= age < FRESH:
        try:
            _fetch_release(site, suite, path, doors)
        except Unreachable as error:
            if age is None:
                raise
            since = formatdate(doors.now() - age, usegmt=True)
            doors.note(f"{error.message}; using the lists of {suite} fetched on {since}")
    document = path.read_bytes()
    if not document:
        raise NotThere(f"{shown(site)} has no suite {suite}")
    return _read_release(document, site, suite, doors)


def _fetch_release(site: str, suite: str, path: Path, doors: Doors) -> None:
    """Keep the mirror's list, or an empty file when it has none, so that both answers hold for a day."""
    try:
        document = doors.fetcher.read(f"{site}/dists/{suite}/InRelease", limit=_MAX_RELEASE)
        _read_release(document, site, suite, attrs.evolve(doors, emit=ignore))
    except NotThere:
        document = b""
    with atomic_file(path) as file:
        file.write(document)


def _read_release(document: bytes, site: str, suite: str, doors: Doors) -> Release:
    where = f"{suite} at {shown(site)}"
    try:
        release = Release.parse(verify(document, runner=doors.runner))
    except BadSignature as error:
        raise BadSignature(f"{where}: {error.message}") from error
    except (ValueError, TypeError) as error:
        raise Corrupt(f"{where}: {error}") from error
    if release.origin != "Debian" or not release.is_called(suite):
        raise NotDebian(f"{where} is {release.origin} {release.codename}")
    _check_date(release, where, doors)
    return release


def _check_date(release: Release, where: str, doors: Doors) -> None:
    if not release.has_expired(doors.now()):
        return
    fact = f"the package lists of {where} expired on {formatdate(release.valid_until, usegmt=True)}"
    if not doors.allow_expired:
        raise Expired(
            fact, hint="Use another mirror, or set COG_ALLOW_EXPIRED_LISTS=1 if this one is frozen on purpose."
        )
    # Its updates and security suites come from the same frozen mirror, so one note is enough.
    if "-" not in release.codename:
        doors.note(f"{fact} and are used all the same, as COG_ALLOW_EXPIRED_LISTS says")


def load_index(site: str, suite: str, release: Release, architecture: str, doors: Doors) -> Index:
    """Return the index that a release promises, from the cache or the mirror.

    Raises:
        NotThere: The suite has no packages for this architecture.
        Unreachable: The mirror does not answer.
        Corrupt: The index is not the promised one.
    """
    plain = f"{_COMPONENT}/binary-{architecture}/Packages"
    if f"{plain}.xz" not in release.files or plain not in release.files:
        raise NotThere(f"{suite} at {shown(site)} has no packages for {architecture}")
    packed, limit = release.files[f"{plain}.xz"], release.files[plain].size
    key = _key(site, f"{suite} {architecture}")
    path = doors.store.index(key, packed.sha256)
    try:
        return Index.open(path, site=site)
    except sqlite3.Error:
        pass
    folder = f"{site}/dists/{suite}/{_COMPONENT}/binary-{architecture}"
    by_hash = f"{folder}/by-hash/SHA256/{packed.sha256}"
    _make_index(
        (by_hash, f"{folder}/Packages.xz") if release.by_hash else (f"{folder}/Packages.xz",),
        packed,
        limit,
        path,
        doors,
    )
    for older in path.parent.glob(f"{key}.*.sqlite"):
        if older != path:
            older.unlink(missing_ok=True)
    return Index.open(path, site=site)


def _make_index(urls: tuple[str, ...], packed: Checksum, limit: int, path: Path, doors: Doors) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
        file = Path(folder) / "Packages.xz"
        _download_first(urls, packed, file, doors)
        try:
            with file.open("rb") as source:
                write_index(source, path, limit=limit)
        except ValueError as error:
            raise Corrupt(f"{shown(urls[-1])}: {error}") from error


def _download_first(urls: tuple[str, ...], packed: Checksum, file: Path, doors: Doors) -> None:
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        doors.progress("package lists", done, packed.size)

    try:
        doors.fetcher.download(urls[0], file, size=packed.size, sha256=packed.sha256, on_bytes=on_bytes)
    except NotThere:
        if not urls[1:]:
            raise
        _download_first(urls[1:], packed, file, doors)


def _key(site: str, what: str) -> str:
    return hashlib.sha256(f"{shown(site)} {what}".encode()).hexdigest()[:24]
