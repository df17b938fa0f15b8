"""Small packages and offers for the tests of Debian packages."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.debian.database import make_database
from cog_backends.oci.debian.package import Package
from cog_backends.oci.debian.tree import Tree
from cog_backends.oci.debian.unpack import Unpacked
from cog_oci.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable


def package(name: str, version: str = "1.0", **fields: str) -> Package:
    known = {field.replace("_", "-"): value for field, value in fields.items()}
    stanza = {"Package": name, "Version": version, "Architecture": "amd64", **known}
    return Package.of_fields(stanza)


@attrs.frozen
class Offer:
    """Made-up packages that can be installed."""

    packages: tuple[Package, ...]

    def candidates(self, name: str) -> tuple[Package, ...]:
        found = [package for package in self.packages if package.name == name]
        return tuple(sorted(found, key=lambda package: package.order, reverse=True))

    def providers(self, name: str) -> tuple[Package, ...]:
        return tuple(one for one in self.packages if any(given.name == name for given in one.provides))

    def near(self, name: str) -> tuple[str, ...]:
        return tuple(one.name for one in self.packages if one.name[:2] == name[:2])


def unpacked(name: str, *entries: Entry, listed: Iterable[str] = (), **control: str) -> Unpacked:
    text = f"Package: {name}\nVersion: 1.0\nArchitecture: amd64\nDescription: made up\n"
    return Unpacked(
        package=package(name),
        control={"control": text.encode(), **{key: value.encode() for key, value in control.items()}},
        entries=entries,
        listed=(*(entry.path for entry in entries), *listed),
    )


def small_debian(*entries: Entry) -> Tree:
    """Return a tree with users, a merged /usr and an empty dpkg database."""
    tree = Tree(entries)
    for name in ("bin", "sbin", "lib"):
        tree.make_folder(f"usr/{name}")
        tree.link(name, f"usr/{name}")
    tree.write("etc/passwd", b"root:*:0:0:root:/root:/bin/bash\n")
    tree.write("etc/group", b"root:*:0:\nmail:*:8:\n")
    make_database(tree, "amd64")
    return tree


def program(path: str) -> Entry:
    return Entry(path=path, mode=0o755, content=b"\x7fELF")


def tar(*members: tuple[tarfile.TarInfo, bytes], form: str = "gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{form}") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, linkname, mode
    return found


def ar(*members: tuple[str, bytes]) -> bytes:
    """Return an archive in the form of deb(5)."""
    parts = [b"!<arch>\n"]
    for name, content in members:
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def deb(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    control = tar((info("./control"), b"Package: p\n"))
    return ar(("debian-binary", b"2.0\n"), ("control.tar.gz", control), ("data.tar.gz", tar(*members)))
