"""Types for the signatures of models."""

from __future__ import annotations

from cog._files import File, Path, URLFile, URLPath, get_filename
from cog._iterators import AsyncConcatenateIterator, ConcatenateIterator
from cog._secret import Secret
from cog.input import FieldInfo, Input

__all__ = [
    "AsyncConcatenateIterator",
    "ConcatenateIterator",
    "FieldInfo",
    "File",
    "Input",
    "Opaque",
    "Path",
    "Secret",
    "URLFile",
    "URLPath",
    "get_filename",
]


class _Opaque:
    """The class of :data:`Opaque`."""

    def __repr__(self) -> str:
        return "Opaque"


Opaque = _Opaque()
"""``Annotated[T, Opaque]``: the schema describes this type of another package as any JSON object."""
