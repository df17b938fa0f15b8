"""An image as people read it, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from cog_cli.render.console import size
from cog_cli.render.schema import show_schema
from cog_cli.render.table import section, shortened
from cog_core import labels

if TYPE_CHECKING:
    from cog_core.backend import ImageInfo


def show_image(info: ImageInfo) -> str:
    """Return what an image says about itself as text."""
    facts = [
        ("id", info.image_id),
        *([("digest", info.digest)] if info.digest else []),
        *([("names", ", ".join(info.references))] if info.references else []),
        ("platform", str(info.platform)),
        *([("size", size(info.size))] if info.size is not None else []),
        *([("lies in", info.location)] if info.location else []),
        ("command", " ".join(info.config.get("Cmd") or ())),
    ]
    layers = [(size(layer.size).rjust(9), layer.diff_id[:19], shortened(layer.created_by)) for layer in info.layers]
    pairs = [(name, shortened(value)) for name, value in sorted(info.labels.items())]
    schema = labels.read_schema(info.labels)
    parts = (section("Image", facts), section("Layers", layers), section("Labels", pairs))
    return "\n".join((*filter(None, parts), *([show_schema(schema)] if schema else [])))


def image_json(info: ImageInfo) -> str:
    """Return what an image says about itself as JSON."""
    document = attrs.asdict(info)
    document["platform"] = str(info.platform)
    document["schema"] = labels.read_schema(info.labels)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
