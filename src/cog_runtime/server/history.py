"""Predictions that are over, kept for a while for whoever asks how they ended."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple


class Ended(NamedTuple):
    """How a prediction ended.

    Attributes:
        status: ``succeeded``, ``failed`` or ``canceled``.
        body: The prediction as JSON.
        training: It was a training.
    """

    status: str
    body: bytes
    training: bool


class History:
    """The last predictions; the oldest go first.

    Args:
        most: How many are kept.
        size: Bytes that all of them may have; one that is longer is not kept at all.
    """

    def __init__(self, most: int, size: int) -> None:
        self._most = most
        self._size = size
        self._held = 0
        self._ended: OrderedDict[tuple[bool, str], Ended] = OrderedDict()

    def add(self, identity: str, ended: Ended) -> None:
        """Keep how this one ended; an earlier one of the same id and kind is forgotten."""
        self.forget(identity, training=ended.training)
        size = len(ended.body)
        if size > self._size or not self._most:
            return
        kept = self._ended
        kept[ended.training, identity] = ended
        self._held += size
        while len(kept) > self._most or self._held > self._size:
            self._held -= len(kept.popitem(last=False)[1].body)

    def forget(self, identity: str, *, training: bool) -> None:
        """Keep this prediction, or training, no longer."""
        before = self._ended.pop((training, identity), None)
        if before is not None:
            self._held -= len(before.body)

    def find(self, identity: str, *, training: bool) -> Ended | None:
        """Return how this prediction, or training, ended, if that is still known."""
        return self._ended.get((training, identity))

    def listed(self, *, training: bool) -> list[dict[str, str]]:
        """Return id and status of all predictions, or trainings, the newest first."""
        return [
            {"id": identity, "status": ended.status}
            for (is_training, identity), ended in reversed(self._ended.items())
            if is_training == training
        ]
