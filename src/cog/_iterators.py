"""Iterators whose items belong together: words of one text."""

from __future__ import annotations

from typing import AsyncIterator, Iterator, TypeVar

T = TypeVar("T")


class ConcatenateIterator(Iterator[T]):
    """Marks an output whose items are shown joined; at run time any iterator will do."""


class AsyncConcatenateIterator(AsyncIterator[T]):
    """Marks an output whose items, made asynchronously, are shown joined."""
