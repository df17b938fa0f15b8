"""Debian version numbers and their order (deb-version(7))."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias

Key: TypeAlias = "tuple[tuple[tuple[tuple[int, ...], int], ...], ...]"
"""Something that Python orders as Debian orders versions: epoch, upstream version, revision."""

_CHUNK = re.compile(r"([^0-9]*)([0-9]*)")
_END: Final = ((0,), 0)
_TILDE, _AFTER_LETTERS = -1, 256


@lru_cache(maxsize=65536)
def version_key(version: str) -> Key:
    """Return a key by which versions sort; equal keys mean equal versions.

    A version is split into stretches of non-digits and numbers. Among non-digits the tilde comes before the end
    of the stretch, the end before letters, and letters before everything else.
    """
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "", version.strip()
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return _key(epoch), _key(upstream), _key(revision)


def _key(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    chunks = [((*map(_weight, word), 0), int(number or 0)) for word, number in _CHUNK.findall(text)]
    while chunks and chunks[-1] == _END:
        chunks.pop()
    # The first chunk of a longer version may be like an end, so that there have to be two of them.
    return (*chunks, _END, _END)


def _weight(character: str) -> int:
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else ord(character) + _AFTER_LETTERS


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Say whether a version stands in a relation to another one.

    Args:
        version: What there is.
        operator: ``<<``, ``<=``, ``=``, ``>=`` or ``>>`` (deb-control(5)), or empty when any version will do.
        wanted: What it is compared with.
    """
    if not operator:
        return True
    left, right = version_key(version), version_key(wanted)
    return {
        "<<": left < right,
        "<=": left <= right,
        "<": left <= right,
        "=": left == right,
        ">=": left >= right,
        ">": left >= right,
        ">>": left > right,
    }[operator]
