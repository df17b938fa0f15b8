"""``/etc/ld.so.cache``: where programs find shared libraries (glibc, elf/cache.c, format ``glibc-ld.so.cache1.1``).

The loader knows the usual folders anyway; ``ctypes.util.find_library`` and folders of ``ld.so.conf.d`` need the file.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from cog_backends.oci.debian.tree import content_of
from cog_oci.entries import Entry, Kind, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_backends.oci.debian.tree import Tree

PATH: Final = "etc/ld.so.cache"
_MAGIC: Final = b"glibc-ld.so.cache1.1"
_HEADER: Final = struct.Struct("<20sIIB3xI12x")
_ENTRY: Final = struct.Struct("<iIIIQ")
_LITTLE_ENDIAN: Final = 2
_FLAGS: Final = {"amd64": 0x0303, "arm64": 0x0A03}
_MACHINES: Final = {"amd64": 62, "arm64": 183}
"""``e_machine`` of the ELF header (elf.h: EM_X86_64, EM_AARCH64)."""
_IDENT: Final = b"\x7fELF\x02\x01"
_ELF: Final = 20
_USUAL: Final = ("/lib", "/usr/lib")
_LIBRARY: Final = re.compile(r"(?:lib|ld-).*\.so(?:\..+)?")
_PARTS: Final = re.compile(r"\d+|\D")


def write_ld_cache(tree: Tree, architecture: str) -> None:
    """Write the cache for the libraries of a tree, as ldconfig(8) would."""
    found: dict[str, str] = {}
    for folder in _folders(tree):
        for name in _libraries(tree, folder, architecture):
            found.setdefault(name, f"{folder}/{name}")
    tree.write(PATH, _packed(found, _FLAGS[architecture]), mode=0o644)


def _folders(tree: Tree) -> list[str]:
    folder = "etc/ld.so.conf.d"
    names = tree.names(folder) if tree.is_folder(folder) else ()
    lines = [line for name in names if name.endswith(".conf") for line in _lines(tree, f"{folder}/{name}")]
    by_place = {tree.resolve(path): path for path in reversed([*lines, *_USUAL]) if tree.is_folder(path)}
    return list(by_place.values())[::-1]


def _lines(tree: Tree, path: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in tree.read(path).decode("utf-8", "replace").splitlines())
    return [line.rstrip("/") for line in lines if line.startswith("/")]


def _libraries(tree: Tree, folder: str, architecture: str) -> Iterator[str]:
    """Yield the names under which the libraries of a folder are looked for.

    Packages ship a link named by the SONAME beside a file with the full version (Debian policy 8.1), so a file to
    which a shorter link leads is left out, as ldconfig leaves it out after reading its SONAME.
    """
    names = [name for name in tree.names(folder) if _LIBRARY.fullmatch(name)]
    versioned = set()
    for name in names:
        entry = tree.get(f"{folder}/{name}", follow=False)
        target = entry.target.rpartition("/")[2] if entry is not None and entry.kind is Kind.SYMLINK else ""
        if ".so." in name and target.startswith(f"{name}."):
            versioned.add(target)
    for name in names:
        entry = tree.get(f"{folder}/{name}")
        if name not in versioned and entry is not None and _is_library(entry, architecture):
            yield name


def _is_library(entry: Entry, architecture: str) -> bool:
    if entry.kind is not Kind.FILE or entry.size < _ELF:
        return False
    start = _start(entry)
    return start.startswith(_IDENT) and int.from_bytes(start[18:20], "little") == _MACHINES[architecture]


def _start(entry: Entry) -> bytes:
    match entry.content:
        case Slice(path=path, offset=offset):
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(_ELF)
        case _:
            return content_of(entry)[:_ELF]


def _packed(libraries: dict[str, str], flags: int) -> bytes:
    names = sorted(libraries, key=_order, reverse=True)
    start = _HEADER.size + _ENTRY.size * len(names)
    entries, strings = bytearray(), bytearray()
    for name in names:
        # A name is also the end of its path, so one string serves both.
        path = libraries[name].encode() + b"\0"
        value = start + len(strings)
        key = value + len(path) - len(name.encode()) - 1
        strings += path
        entries += _ENTRY.pack(flags, key, value, 0, 0)
    header = _HEADER.pack(_MAGIC, len(names), len(strings), _LITTLE_ENDIAN, 0)
    return header + bytes(entries) + bytes(strings)


def _order(name: str) -> tuple[tuple[bool, int], ...]:
    """Return what the loader's binary search sorts by: numbers as numbers, behind all other characters."""
    return tuple((part.isdigit(), int(part) if part.isdigit() else ord(part)) for part in _PARTS.findall(name))
