"""Packages, fetched once, unpacked once, and described so that a later build only reads a list."""

from __future__ import annotations

import json
import re
import threading
from typing import IO, TYPE_CHECKING, Any, Final

import attrs

from cog_backends.oci.debian.ar import BadPackage
from cog_backends.oci.debian.deb import Deb, Member
from cog_backends.oci.debian.fetch import PARALLEL, Corrupt
from cog_backends.oci.debian.parallel import in_parallel
from cog_backends.oci.debian.store import atomic_file
from cog_oci.entries import Entry, Kind, Slice
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.package import Package

LEFT_OUT: Final = ("doc", "info", "lintian", "linda", "locale", "man")
"""Folders of ``/usr/share`` that images do not need; the dpkg of the image is told the same."""

_LEFT_OUT = re.compile(rf"usr/share/(?:{'|'.join(LEFT_OUT)})(?:/.*)?")
_KEPT = re.compile(r"usr/share/doc/[^/]+/copyright|usr/share/locale/locale\.alias")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMAT: Final = 1
_COPY: Final = 1 << 20
_SLACK: Final = 64 << 20


@attrs.frozen(kw_only=True)
class Unpacked(Frozen):
    """A package whose files lie in the cache.

    Attributes:
        package: As the index describes it.
        control: Control files by name.
        entries: Files, folders and links that go into the image, in the package's order and under its own paths;
            their times are 0.
        listed: Every path of the package, the left out ones too, as dpkg lists them.
    """

    package: Package
    control: Mapping[str, bytes] = attrs.field(repr=False)
    entries: tuple[Entry, ...] = attrs.field(repr=False)
    listed: tuple[str, ...] = attrs.field(repr=False)

    def text(self, name: str) -> str:
        """Return a control file as text; empty when the package has none of that name."""
        return self.control.get(name, b"").decode("utf-8", "replace")


def is_left_out(path: str, kind: Kind) -> bool:
    """Say whether an image does without this path.

    Links among the documentation stay, because a package's copyright file may be another package's.
    """
    if _LEFT_OUT.fullmatch(path) is None or _KEPT.fullmatch(path):
        return False
    return not (kind is Kind.SYMLINK and path.startswith("usr/share/doc/"))


def unpack_all(packages: Sequence[Package], doors: Doors) -> tuple[Unpacked, ...]:
    """Fetch and unpack what the cache does not have, and return all of it in the given order.

    Raises:
        NotThere: The mirror does not have a file that its lists name.
        Unreachable: The mirror does not answer.
        Corrupt: A file is not the promised one.
        BadPackage: A file is no good package.
    """
    on_bytes = _counter(packages, doors)

    def one(package: Package, go_on: Callable[[], None]) -> Unpacked:
        def count(size: int) -> None:
            go_on()
            on_bytes(size)

        return _load(package, doors) or _unpack(package, doors, count)

    return in_parallel(one, packages, workers=PARALLEL)


def _counter(packages: Sequence[Package], doors: Doors) -> Callable[[int], None]:
    missing = [package for package in packages if not doors.store.members(_digest(package)).is_file()]
    total = sum(_size(package) for package in missing if not doors.store.deb(_digest(package)).is_file())
    lock, done = threading.Lock(), 0

    def count(size: int) -> None:
        nonlocal done
        with lock:
            done += size
            doors.progress("packages", done, total)

    return count


def _digest(package: Package) -> str:
    digest = package.fields.get("SHA256", "")
    if not _SHA256.fullmatch(digest):
        raise Corrupt(f"the package lists have no SHA-256 of {package}")
    return digest


def _size(package: Package) -> int:
    size = package.fields.get("Size", "")
    if not size.isdecimal():
        raise Corrupt(f"the package lists have no size of {package}")
    return int(size)


def _unpack(package: Package, doors: Doors, on_bytes: Callable[[int], None]) -> Unpacked:
    digest, size = _digest(package), _size(package)
    path = doors.store.deb(digest)
    if not path.is_file() or path.stat().st_size != size:
        doors.fetcher.download(_url(package), path, size=size, sha256=digest, on_bytes=on_bytes)
    try:
        _write(package, path, doors)
    except BadPackage as error:
        raise BadPackage(f"{package}: {error.message}", hint=error.hint) from error
    unpacked = _load(package, doors)
    assert unpacked is not None, "it was just written"
    return unpacked


def _url(package: Package) -> str:
    name = package.fields.get("Filename", "").removeprefix("./")
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise Corrupt(f"the package lists name no file of {package}")
    return f"{package.site}/{name}"


def _limit(package: Package) -> int:
    """Return the most bytes that a package may unpack to: twice what it says, and room for headers."""
    kibibytes = package.fields.get("Installed-Size", "0")
    return _SLACK + 2048 * (int(kibibytes) if kibibytes.isdecimal() else 0)


def _write(package: Package, path: Path, doors: Doors) -> None:
    digest, rows, offset = _digest(package), [], 0
    with path.open("rb") as file, atomic_file(doors.store.content(digest)) as content:
        deb = Deb(file)
        for member, source in deb.members(_limit(package)):
            is_kept = not is_left_out(member.path, member.kind)
            rows.append(_row(member, offset if is_kept else None))
            if is_kept and source is not None:
                _copy(source, content, member)
                offset += member.size
        control = {name: data.decode("latin-1") for name, data in deb.control().items()}
    document = {"format": _FORMAT, "size": offset, "control": control, "members": rows}
    with atomic_file(doors.store.members(digest)) as file:
        file.write(json.dumps(document, separators=(",", ":")).encode())


def _copy(source: IO[bytes], target: IO[bytes], member: Member) -> None:
    left = member.size
    while left:
        data = source.read(min(left, _COPY))
        if not data:
            raise BadPackage(f"the package ends inside {member.path}")
        target.write(data)
        left -= len(data)


def _row(member: Member, offset: int | None) -> list[object]:
    return [member.path, member.kind.value, member.mode, member.uid, member.gid, member.size, member.target, offset]


def _load(package: Package, doors: Doors) -> Unpacked | None:
    """Return a package from the cache; None when it is not there, or not in the form that this version writes."""
    digest = _digest(package)
    content = doors.store.content(digest)
    try:
        document = json.loads(doors.store.members(digest).read_bytes())
        if document["format"] != _FORMAT or content.stat().st_size != document["size"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    rows = document["members"]
    return Unpacked(
        package=package,
        control={name: text.encode("latin-1") for name, text in document["control"].items()},
        entries=tuple(_entry(row, content) for row in rows if row[-1] is not None),
        listed=tuple(row[0] for row in rows),
    )


def _entry(row: list[Any], content: Path) -> Entry:
    path, kind, mode, uid, gid, size, target, offset = row
    return Entry(
        path=path,
        kind=Kind(kind),
        mode=mode,
        uid=uid,
        gid=gid,
        content=Slice(path=content, offset=offset, size=size) if size else b"",
        target=target,
    )
