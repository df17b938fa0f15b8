"""Metrics on their way to the server."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cog_runtime.worker.calls import encode_metric


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"text": "x" * 20_000}, {"text": "x" * 20_000}),
        (["x" * 20_000, 1], ["x" * 20_000, 1]),
        ("x" * 20_000, "x" * 20_000),
        (math.nan, None),
        ([math.inf, 0.5], [None, 0.5]),
        ("\ud800", "?"),
        (["\ud800"], ["?"]),
        (True, True),
        (3, 3),
    ],
)
def test_values_arrive_whole(value: Any, sent: Any) -> None:
    assert encode_metric(value) == sent
