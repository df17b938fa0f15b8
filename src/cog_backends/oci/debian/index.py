"""A package index, parsed once into a small database that answers by name in microseconds."""

from __future__ import annotations

import errno
import lzma
import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import attrs

from cog_backends.oci.debian.package import Package
from cog_backends.oci.debian.stanzas import read_stanza

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

KEPT: Final = (
    *("Package", "Version", "Architecture", "Multi-Arch", "Essential", "Priority", "Installed-Size"),
    *("Depends", "Pre-Depends", "Conflicts", "Breaks", "Provides", "Filename", "Size", "SHA256"),
)
"""Fields of the index that are used here; the dpkg database is made from the packages themselves."""

_SCHEMA: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE package (id INTEGER PRIMARY KEY, name TEXT, required INTEGER, fields TEXT);
    CREATE TABLE provided (name TEXT, package INTEGER);
"""
_INDEXES: Final = """
    CREATE INDEX package_name ON package (name);
    CREATE INDEX package_required ON package (required, name) WHERE required;
    CREATE INDEX provided_name ON provided (name);
"""
_CHUNK: Final = 1 << 20
_FIELD: Final = re.compile(rf"^({'|'.join(KEPT)}):(.*(?:\n[ \t].*)*)\n?", re.MULTILINE)
_PROVIDED: Final = re.compile(r"(?:^|,)\s*([^\s,(:]+)")


def write_index(source: IO[bytes], target: Path, *, limit: int) -> None:
    """Parse a ``Packages.xz`` file into a database.

    Args:
        source: The compressed file; its checksum is verified by the caller.
        target: Where the database goes; it appears when it is complete.
        limit: Most bytes that the decompressed index may have.

    Raises:
        ValueError: The file is damaged, or larger than ``limit``.
        OSError: The disk is full, or fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".partial-") as folder:
        path = Path(folder) / "index.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            try:
                database.executescript(_SCHEMA)
                database.execute("BEGIN")
                _fill(database, _paragraphs(source, limit))
                database.execute("COMMIT")
                database.executescript(_INDEXES)
            except sqlite3.OperationalError as error:
                # Its other errors in a new file are of the disk too, and the code is on 3.11 and later only.
                number = errno.ENOSPC if "full" in str(error) else errno.EIO
                raise OSError(number, str(error), str(target)) from error
        path.replace(target)


def _paragraphs(source: IO[bytes], limit: int) -> Iterator[bytes]:
    try:
        with lzma.open(source) as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                limit -= len(chunk)
                if limit < 0:
                    raise ValueError("the package index is larger than its release says")
                *paragraphs, rest = (rest + chunk).split(b"\n\n")
                yield from paragraphs
            yield rest
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"the package index is damaged: {error}") from error


def _fill(database: sqlite3.Connection, paragraphs: Iterable[bytes]) -> None:
    add_package, add_provided = "INSERT INTO package VALUES (?, ?, ?, ?)", "INSERT INTO provided VALUES (?, ?)"
    for number, paragraph in enumerate(paragraphs):
        fields = dict(_FIELD.findall(paragraph.decode("utf-8", "replace")))
        if "Package" in fields:
            text = "\n".join([f"{name}:{value}" for name, value in fields.items()])
            database.execute(add_package, (number, fields["Package"].strip(), _is_required(fields), text))
        if provides := fields.get("Provides"):
            names = sorted(set(_PROVIDED.findall(provides)))
            database.executemany(add_provided, [(name, number) for name in names])


def _is_required(fields: Mapping[str, str]) -> bool:
    return fields.get("Essential", "").strip() == "yes" or fields.get("Priority", "").strip() == "required"


@attrs.define(eq=False)
class Index:
    """The packages of one suite and architecture at one mirror.

    Attributes:
        site: Address of the mirror.
        database: Made by :func:`write_index`.
    """

    site: str = attrs.field(repr=False)
    database: sqlite3.Connection

    @classmethod
    def open(cls, path: Path, *, site: str) -> Index:
        """Open a database.

        Raises:
            sqlite3.DatabaseError: The file is no such database.
        """
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        database.execute("SELECT 1 FROM package LIMIT 1")
        return cls(site, database)

    def named(self, name: str) -> tuple[Package, ...]:
        """Return the packages of this name."""
        return self._packages("SELECT fields FROM package WHERE name = ? ORDER BY id", name)

    def providing(self, name: str) -> tuple[Package, ...]:
        """Return the packages that provide this name, in the order of the index."""
        return self._packages(
            "SELECT fields FROM package WHERE id IN (SELECT package FROM provided WHERE name = ?) ORDER BY id", name
        )

    def required(self) -> tuple[str, ...]:
        """Return the names of packages that every Debian system has, by being essential or of priority required."""
        rows = self.database.execute("SELECT DISTINCT name FROM package WHERE required = 1 ORDER BY name")
        return tuple(name for (name,) in rows)

    def names(self) -> Iterator[str]:
        """Yield all names, for suggestions."""
        for (name,) in self.database.execute("SELECT DISTINCT name FROM package"):
            yield name

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _packages(self, query: str, name: str) -> tuple[Package, ...]:
        rows = self.database.execute(query, (name,)).fetchall()
        return tuple(Package.of_fields(read_stanza(fields), site=self.site) for (fields,) in rows)

    def __enter__(self) -> Self:
        """Return the open index."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database."""
        self.close()
