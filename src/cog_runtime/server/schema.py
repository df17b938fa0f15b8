"""The OpenAPI document that the image carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Sequence

from cog_runtime.server.codec import loads


class Schema(NamedTuple):
    """What the server needs to know about the model.

    Attributes:
        text: The document as it is stored; None when the image has none.
        components: Its named parts.
        streaming: Clients may ask for server-sent events (``x-cog-streaming``).
        training: There is something to train.
        array: The output of a prediction is always an array.
    """

    text: bytes | None
    components: dict[str, Any]
    streaming: bool
    training: bool
    array: bool

    @classmethod
    def parse(cls, text: bytes) -> Schema:
        """Read a document.

        Raises:
            ValueError: It is none.
        """
        document = loads(text)
        try:
            components = document["components"]["schemas"]
            predict = document.get("paths", {}).get("/predictions", {}).get("post", {})
            return cls(
                text=text,
                components=components,
                streaming=bool(predict.get("x-cog-streaming")),
                training="TrainingInput" in components,
                array=components.get("Output", {}).get("type") == "array",
            )
        except (AttributeError, KeyError, TypeError) as reason:
            raise ValueError(f"not an OpenAPI document of a model: {reason!r}") from reason


NO_SCHEMA = Schema(None, {}, streaming=False, training=False, array=False)
"""An image without a document: nothing is validated, and nothing is known."""


def load(candidates: Sequence[str]) -> Schema:
    """Return the document in the first file that exists.

    Raises:
        ValueError: The file is no such document.
        OSError: It cannot be read.
    """
    for candidate in candidates:
        path = Path(candidate)
        if path.is_file():
            return Schema.parse(path.read_bytes())
    return NO_SCHEMA
