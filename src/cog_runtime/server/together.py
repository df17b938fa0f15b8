"""Which of those that wait become one call of a batched model."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import deque

    from cog_runtime.server.prediction import Prediction
    from cog_runtime.server.worker import Batching

_SOON = 0.0005
"""Seconds that are not worth a timer: event loops count in milliseconds."""


class Group(NamedTuple):
    """What to do with the first of those that wait.

    Attributes:
        size: How many of them begin together now; 0: none yet.
        later: Seconds after which to look again.
    """

    size: int
    later: float = 0.0


def together(waiting: deque[Prediction], batch: Batching | None) -> Group:
    """Return how many begin together: a whole batch, or what there is when the first has waited long enough.

    A training, and every prediction of a model that is not batched, begins alone.

    Args:
        waiting: At least one, the oldest first.
        batch: How the model is batched.
    """
    first = waiting[0]
    if batch is None or first.training:
        return Group(1)
    members = sum(1 for _ in takewhile(lambda each: not each.training, islice(waiting, batch.size)))
    left = batch.window - first.age
    if members == batch.size or members < len(waiting) or left < _SOON:
        return Group(members)
    return Group(0, left)
