"""Which of those that wait begin together."""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from cog_runtime.server.together import Group, together
from cog_runtime.server.worker import Batching


@attrs.frozen
class Waiting:
    """A prediction as far as it matters here."""

    age: float
    training: bool = False


AGES = st.floats(0, 10)
TRAININGS = st.sampled_from([False, False, False, True])
QUEUES: Any = st.lists(st.builds(Waiting, age=AGES, training=TRAININGS), min_size=1)
BATCHES = st.builds(Batching, st.integers(1, 5), st.sampled_from([0.0, 0.01, 1.0, 100.0]))


def group(waiting: list[Waiting], batch: Batching | None) -> Group:
    queue: Any = deque(waiting)
    return together(queue, batch)


@given(QUEUES)
def test_without_batching_each_begins_alone(waiting: list[Waiting]) -> None:
    assert group(waiting, None) == Group(1)


@given(QUEUES, BATCHES)
def test_a_group_is_never_too_large_and_never_mixes_trainings_in(waiting: list[Waiting], batch: Batching) -> None:
    found = group(waiting, batch)
    members = waiting[: found.size]
    assert len(members) == found.size <= batch.size
    assert len(members) == 1 or not any(member.training for member in members)


@given(QUEUES, BATCHES)
def test_nobody_waits_longer_than_the_window(waiting: list[Waiting], batch: Batching) -> None:
    found = group(waiting, batch)
    if found.size == 0:
        assert 0 < found.later <= batch.window - waiting[0].age
        assert len(waiting) < batch.size
    else:
        assert found.later == 0


def test_a_full_batch_and_one_before_a_training_begin_at_once() -> None:
    batch = Batching(3, 60)
    assert group([Waiting(0)] * 3, batch) == Group(3)
    assert group([Waiting(0)] * 5, batch) == Group(3)
    assert group([Waiting(0), Waiting(0, training=True)], batch) == Group(1)
    assert group([Waiting(0, training=True), Waiting(0)], batch) == Group(1)
    assert group([Waiting(61), Waiting(0)], batch) == Group(2)
    assert group([Waiting(20), Waiting(0)], batch) == Group(0, 40)
