"""A finished image, read from the layout that a backend exported."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_core.events import StepOutput
from cog_oci import image_config
from cog_oci.archive_reader import MemberKind
from cog_oci.frozen import Frozen
from cog_oci.image_layers import open_layer
from cog_oci.tree import Node, Tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.backend import ImageInfo
    from cog_core.events import Event
    from cog_oci.digest import Readable
    from cog_oci.layout import Image, Layout

FOLDER: Final = "kit"
"""Folder of the image that holds whatever checks put there; without a slash in front, as archives have it."""

_CHUNK = 1 << 20
_LARGEST = 1 << 24


@attrs.frozen(kw_only=True)
class Built(Frozen):
    """An image, and what was heard while it was built.

    Attributes:
        info: What the backend returned.
        layout: The folder that it exported.
        image: The image in it: manifest, configuration, digests.
        events: All events, in their order.
    """

    info: ImageInfo
    layout: Layout
    image: Image = attrs.field(repr=False)
    events: tuple[Event, ...] = attrs.field(repr=False)

    @cached_property
    def tree(self) -> Tree:
        """All files of the image as a container sees them."""
        return read_tree(self.layout, self.image, keep=lambda path: path.startswith(f"{FOLDER}/"), limit=_LARGEST)

    @property
    def config(self) -> dict[str, Any]:
        """How containers are started: ``Cmd``, ``Entrypoint``, ``User``, ``WorkingDir``, ``ExposedPorts``."""
        return image_config.run_config(self.image.config)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that containers start with."""
        return image_config.environment(self.image.config)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the plain layers, lowest first: what makes two layers the same."""
        return tuple(str(diff_id) for diff_id in self.image.diff_ids)

    @property
    def output(self) -> str:
        """All lines that steps printed."""
        return "\n".join(event.line for event in self.events if isinstance(event, StepOutput))

    def read(self, name: str) -> bytes:
        """Return the content of ``/kit/NAME``."""
        return self.tree.read(f"{FOLDER}/{name}", _LARGEST)

    def node(self, name: str) -> Node:
        """Return what is at ``/kit/NAME``; a link itself, not what it means."""
        return self.tree.nodes[f"{FOLDER}/{name}"]

    def nodes(self, name: str = "") -> dict[str, Node]:
        """Return all that is below ``/kit/NAME``, by paths relative to it."""
        prefix = f"{FOLDER}/{name}/" if name else f"{FOLDER}/"
        return {path.removeprefix(prefix): node for path, node in self.tree.nodes.items() if path.startswith(prefix)}

    def contents(self, name: str = "") -> dict[str, bytes]:
        """Return the content of all files below ``/kit/NAME``, by paths relative to it."""
        below = f"{name}/" if name else ""
        files = (path for path, node in self.nodes(name).items() if node.kind is MemberKind.FILE)
        return {path: self.read(below + path) for path in files}

    def facts(self) -> dict[str, tuple[object, ...]]:
        """Return what has to be equal in equal images: kind, mode, owner, target and content, without times.

        Contents are compared below ``/kit``; what else a step changes is compared by everything but content.
        """
        return {path: self._facts(path, node) for path, node in self.tree.nodes.items()}

    def _facts(self, path: str, node: Node) -> tuple[object, ...]:
        ours = path.startswith(f"{FOLDER}/") and node.kind is MemberKind.FILE
        content = hashlib.sha256(self.tree.read(path, _LARGEST)).hexdigest() if ours else ""
        return (node.kind, node.mode, node.uid, node.gid, node.target, content)

    def places_of(self, needle: bytes) -> list[str]:
        """Return where some bytes occur: layers, configuration with history and labels, manifest, index, events."""
        return [place for place, found in self._search(needle) if found]

    def _search(self, needle: bytes) -> Iterator[tuple[str, bool]]:
        for layer, diff_id in zip(self.image.manifest.layers, self.image.diff_ids, strict=True):
            with open_layer(self.layout, layer, diff_id) as archive:
                yield f"layer {diff_id}", occurs(needle, archive)
        for name in ("index.json", "oci-layout"):
            yield name, needle in (self.layout.root / name).read_bytes()
        for descriptor in (self.image.descriptor, self.image.manifest.config):
            with self.layout.blobs.open(descriptor) as blob:
                yield f"blob {descriptor.digest}", occurs(needle, blob)
        yield "configuration", needle in repr(self.image.config).encode()
        yield "labels", any(needle in value.encode() for value in self.image.labels.values())
        yield "answer", needle in repr(self.info).encode()
        for number, event in enumerate(self.events):
            yield f"event {number}", needle in repr(event).encode()


def occurs(needle: bytes, source: Readable) -> bool:
    """Say whether bytes occur in a stream, also across its pieces."""
    tail = b""
    while data := source.read(_CHUNK):
        if needle in tail + data:
            return True
        tail = (tail + data)[-len(needle) + 1 :] if len(needle) > 1 else b""
    return False
