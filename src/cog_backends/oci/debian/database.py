"""The dpkg database of an image, so that apt, dpkg and scanners know what is installed (dpkg(1), "FILES")."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.package import Package
from cog_backends.oci.debian.stanzas import read_stanza, read_stanzas, write_stanza
from cog_oci.entries import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_backends.oci.debian.tree import Tree
    from cog_backends.oci.debian.unpack import Unpacked

FOLDER: Final = "var/lib/dpkg"
STATUS: Final = f"{FOLDER}/status"
_INSTALLED: Final = "install ok installed"
_NOT_KEPT: Final = frozenset({"control", "conffiles-obsolete"})
_EMPTY: Final = (
    "available",
    "diversions",
    "statoverride",
    "lock",
    "lock-frontend",
    "triggers/Lock",
    "triggers/Unincorp",
)
_FOLDERS: Final = ("info", "alternatives", "parts", "triggers", "updates")


def make_database(tree: Tree, architecture: str) -> None:
    """Make an empty database."""
    for folder in _FOLDERS:
        tree.make_folder(f"{FOLDER}/{folder}")
    for name in _EMPTY:
        tree.write(f"{FOLDER}/{name}", b"", mode=0o640 if "ock" in name else 0o644)
    tree.write(f"{FOLDER}/info/format", b"1\n")
    tree.write(f"{FOLDER}/arch", f"{architecture}\n".encode())
    tree.write(STATUS, b"")


def installed(tree: Tree) -> dict[str, Package]:
    """Return what the database says is installed, by name."""
    stanzas = read_stanzas(tree.read(STATUS).decode("utf-8", "replace").splitlines())
    packages = (Package.of_fields(stanza) for stanza in stanzas if stanza.get("Status") == _INSTALLED)
    return {package.name: package for package in packages}


def record(tree: Tree, unpacked: Iterable[Unpacked]) -> None:
    """Write down packages whose files are in the tree as installed."""
    unpacked = tuple(unpacked)
    status = tree.read(STATUS).decode("utf-8", "replace")
    tree.write(STATUS, (status + "".join(_stanza(tree, one) for one in unpacked)).encode())
    interests: dict[str, str] = {}
    for one in unpacked:
        _write_info(tree, one)
        interests |= dict.fromkeys(_interests(one), one.package.qualified)
    _write_interests(tree, interests)


def _write_info(tree: Tree, one: Unpacked) -> None:
    stem = f"{FOLDER}/info/{one.package.qualified}"
    for name, data in one.control.items():
        if name not in _NOT_KEPT:
            tree.write(f"{stem}.{name}", data, mode=0o755 if data.startswith(b"#!") else 0o644)
    paths = "".join(f"/{path}\n" for path in one.listed)
    tree.write(f"{stem}.list", f"/.\n{paths}".encode("utf-8", "surrogateescape"), mode=0o644)


def _stanza(tree: Tree, one: Unpacked) -> str:
    fields = read_stanza(one.text("control"))
    stanza = {"Package": fields.pop("Package"), "Status": _INSTALLED, **fields}
    # Names behind "remove-on-upgrade" are not shipped (deb-conffiles(5)).
    names = [line.strip() for line in one.text("conffiles").splitlines() if line.startswith("/")]
    if names:
        stanza["Conffiles"] = "".join(f"\n {name} {_checksum(tree, name)}" for name in names)
    return write_stanza(stanza)


def _checksum(tree: Tree, path: str) -> str:
    entry = tree.get(path)
    if entry is None or entry.kind is not Kind.FILE:
        return "newconffile"
    return hashlib.md5(tree.read(path), usedforsecurity=False).hexdigest()


def _interests(one: Unpacked) -> list[str]:
    """Return the trigger names that a package waits for, each with its kind (deb-triggers(5))."""
    lines = (line.partition("#")[0].split() for line in one.text("triggers").splitlines())
    return [
        f"{words[1]}{'/noawait' if words[0].endswith('noawait') else ''}"
        for words in lines
        if len(words) == 2 and words[0].startswith("interest")
    ]


def _write_interests(tree: Tree, interests: dict[str, str]) -> None:
    files = []
    for what, package in interests.items():
        name = what.removesuffix("/noawait")
        mark = what[len(name) :]
        if name.startswith("/"):
            files.append(f"{name} {package}{mark}\n")
        else:
            path = f"{FOLDER}/triggers/{name}"
            before = tree.read(path) if tree.get(path) is not None else b""
            tree.write(path, before + f"{package}{mark}\n".encode())
    path = f"{FOLDER}/triggers/File"
    before = tree.read(path) if tree.get(path) is not None else b""
    if files or not before:
        tree.write(path, before + "".join(files).encode())
