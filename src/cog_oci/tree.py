"""The files of an image as containers see them, without unpacking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from cog_oci import whiteouts
from cog_oci.archive_reader import DEFAULT_LIMITS, Limits, Member, MemberKind, read_members
from cog_oci.errors import InvalidImage, Missing, UnsafeArchive
from cog_oci.frozen import Frozen
from cog_oci.image_layers import open_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from cog_oci.digest import Digest, Readable
    from cog_oci.layout import Image, Layout
    from cog_oci.manifest import Descriptor

OpenLayer: TypeAlias = "Callable[[], AbstractContextManager[Readable]]"
_Place: TypeAlias = "tuple[int, str]"

_MOST_LINKS = 40
_MOST_KEPT = 1 << 28


@attrs.frozen(kw_only=True)
class Node(Frozen):
    """Something at a path of an image.

    Attributes:
        path: Relative to the image's root; empty for the root itself.
        kind: What it is; hard links are files like the one that they mean.
        size: Bytes of a file's content.
        target: What a symbolic link says.
        layer: Number of the layer that its content is in, 0 for the lowest.
        source: Path of its content in that layer.
    """

    path: str
    kind: MemberKind
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    target: str = ""
    layer: int = 0
    source: str = ""


class Tree:
    """All paths of an image, made by :func:`read_tree` or :func:`tree_of`."""

    def __init__(
        self, nodes: Mapping[str, Node], layers: tuple[OpenLayer, ...], kept: Mapping[_Place, bytes], limits: Limits
    ) -> None:
        self.nodes = nodes
        self._layers = layers
        self._kept = kept
        self._limits = limits

    def __contains__(self, path: str) -> bool:
        try:
            self.resolve(path)
        except Missing:
            return False
        return True

    def node(self, path: str) -> Node:
        """Return what is at a path, through symbolic links.

        Raises:
            Missing: Nothing is.
        """
        return self.nodes[self.resolve(path)]

    def resolve(self, path: str) -> str:
        """Return the path without symbolic links that another one leads to; absolute ones begin at the image's root.

        Raises:
            Missing: It leads nowhere, or in circles.
        """
        waiting = path.split("/")[::-1]
        here: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                here = here[:-1]
                continue
            node = self.nodes.get("/".join([*here, part]))
            if node is None:
                raise Missing(f"the image has no {path!r}")
            if node.kind is not MemberKind.SYMLINK:
                here.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise Missing(f"the image has no {path!r}: too many symbolic links")
            here = [] if node.target.startswith("/") else here
            waiting += node.target.split("/")[::-1]
        return "/".join(here)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted.

        Raises:
            Missing: There is no such folder.
        """
        found = self.node(folder)
        if found.kind is not MemberKind.FOLDER:
            raise Missing(f"{folder!r} is no folder of the image")
        prefix = f"{found.path}/" if found.path else ""
        below = (path[len(prefix) :] for path in self.nodes if path and path.startswith(prefix))
        return tuple(sorted(name for name in below if name and "/" not in name))

    def read(self, path: str, limit: int) -> bytes:
        """Return a file's content, through symbolic links; reads its layer again unless it was kept.

        Raises:
            Missing: There is no such file.
            InvalidImage: It has more than ``limit`` bytes.
        """
        node = self.node(path)
        if node.kind is not MemberKind.FILE:
            raise Missing(f"{path!r} is no file of the image")
        if node.size > limit:
            raise InvalidImage(f"{path!r} has {node.size} bytes in the image, more than {limit}")
        kept = self._kept.get((node.layer, node.source))
        if kept is not None:
            return kept
        data = b""
        with self._layers[node.layer]() as archive:
            for member, content in read_members(archive, self._limits):
                if member.path == node.source and member.kind is MemberKind.FILE and member.size <= limit:
                    data = content.read_all(limit)
        return data


def read_tree(
    layout: Layout, image: Image, *, keep: Callable[[str], bool] | None = None, limit: int = 1 << 24
) -> Tree:
    """Read all layers of an image once.

    Args:
        layout: Where the image is.
        image: The image.
        keep: Says for a path whether its content is to be kept in memory for :meth:`Tree.read`.
        limit: Largest content that is kept, in bytes.

    Raises:
        InvalidImage: A layer is damaged, unsafe, or not what it should be.
    """
    pairs = zip(image.manifest.layers, image.diff_ids, strict=True)
    return tree_of([_opener(layout, *pair) for pair in pairs], keep=keep, limit=limit)


def tree_of(
    layers: Iterable[OpenLayer],
    *,
    keep: Callable[[str], bool] | None = None,
    limit: int = 1 << 24,
    limits: Limits = DEFAULT_LIMITS,
) -> Tree:
    """Read plain archives, lowest first; the arguments and errors are those of :func:`read_tree`."""
    layers = tuple(layers)
    nodes: dict[str, Node] = {"": Node(path="", kind=MemberKind.FOLDER)}
    kept: dict[_Place, bytes] = {}
    for number, opened in enumerate(layers):
        with opened() as archive:
            found, contents = _read_layer(archive, keep or _nothing, limit, limits)
        kept |= {(number, path): data for path, data in contents.items()}
        if sum(map(len, kept.values())) > _MOST_KEPT:
            raise InvalidImage(f"an image has more than {_MOST_KEPT} bytes in files that are looked at")
        nodes = _without_deleted(nodes, found)
        for member in found:
            if not whiteouts.is_marker(member.path):
                _place(nodes, member, number)
    return Tree(nodes, layers, kept, limits)


def _opener(layout: Layout, layer: Descriptor, diff_id: Digest) -> OpenLayer:
    return lambda: open_layer(layout, layer, diff_id)


def _nothing(_: str) -> bool:
    return False


def _read_layer(
    archive: Readable, keep: Callable[[str], bool], limit: int, limits: Limits
) -> tuple[list[Member], dict[str, bytes]]:
    found: list[Member] = []
    kept: dict[str, bytes] = {}
    for member, content in read_members(archive, limits):
        found.append(member)
        kept.pop(member.path, None)
        if member.kind is MemberKind.FILE and member.size <= limit and keep(member.path):
            kept[member.path] = content.read_all(limit)
    return found, kept


def _without_deleted(nodes: dict[str, Node], members: list[Member]) -> dict[str, Node]:
    """Return what a layer leaves of those below it."""
    gone = {path for member in members if (path := whiteouts.deleted(member.path)) is not None}
    gone |= {
        member.path
        for member in members
        if member.kind is not MemberKind.FOLDER
        and member.path
        and (old := nodes.get(member.path)) is not None
        and old.kind is MemberKind.FOLDER
    }
    emptied = {path for member in members if (path := whiteouts.opaque_folder(member.path)) is not None}
    if not gone and not emptied:
        return nodes
    left: dict[str, Node] = {}
    # Parents come before their children in a dictionary that was filled by _place.
    for path, node in nodes.items():
        parent = _parent(path)
        if path and (path in gone or parent in emptied or parent not in left):
            continue
        left[path] = node
    return left


def _place(nodes: dict[str, Node], member: Member, layer: int) -> None:
    path = member.path
    _require_parents(nodes, path, layer)
    old = nodes.get(path)
    if old is not None and old.kind is MemberKind.FOLDER and member.kind is not MemberKind.FOLDER:
        raise UnsafeArchive(f"a layer holds {path!r} both as a folder and as something else")
    if member.kind is MemberKind.HARDLINK:
        meant = nodes.get(member.target)
        if meant is None or meant.kind is MemberKind.FOLDER:
            raise InvalidImage(f"hard link {path!r} means {member.target!r}, which is no file of the image")
        nodes[path] = attrs.evolve(meant, path=path)
        return
    nodes[path] = Node(
        path=path,
        kind=member.kind,
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        mtime=member.mtime,
        size=member.size,
        target=member.target,
        layer=layer,
        source=path,
    )


def _require_parents(nodes: dict[str, Node], path: str, layer: int) -> None:
    missing = []
    for parent in _parents(path):
        node = nodes.get(parent)
        if node is None:
            missing.append(parent)
            continue
        if node.kind is not MemberKind.FOLDER:
            raise UnsafeArchive(f"a layer writes {path!r} through {parent!r}, which is no folder")
        break
    for parent in reversed(missing):
        nodes[parent] = Node(path=parent, kind=MemberKind.FOLDER, layer=layer)


def _parents(path: str) -> Iterator[str]:
    while path:
        path = _parent(path)
        yield path


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
