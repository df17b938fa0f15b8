"""What ``GET /metrics`` tells, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Iterable, Iterator, Tuple

from cog_runtime import __version__

if TYPE_CHECKING:
    from cog_runtime.server.prediction import Prediction

_BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper ends of the buckets, in seconds: from trivial models to those that make films."""

Gauge = Tuple[str, str, float]
"""A name without prefix, what it means, and its value now."""


class _Times:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sum += seconds

    @property
    def mean(self) -> float:
        return self._sum / max(1, sum(self._counts))

    def lines(self, name: str, meaning: str) -> Iterator[str]:
        yield from _head(name, meaning, "histogram")
        total = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._counts):
            total += count
            yield f'cog_{name}_bucket{{le="{bound}"}} {total}'
        yield f"cog_{name}_sum {self._sum!r}"
        yield f"cog_{name}_count {total}"


class Figures:
    """Counts what has happened since the start."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str], int] = {}
        self._refused: dict[int, int] = {}
        self._times = _Times()
        self._waits = _Times()

    def ended(self, prediction: Prediction) -> None:
        """Count a prediction that is over."""
        key = ("training" if prediction.training else "prediction", prediction.status)
        self._ended[key] = self._ended.get(key, 0) + 1
        self._times.add(prediction.predict_time or 0.0)
        if prediction.queue_time is not None:
            self._waits.add(prediction.queue_time)

    @property
    def mean_time(self) -> float:
        """Seconds that a prediction takes on the average; 0 before the first."""
        return self._times.mean

    def refused(self, status: int) -> None:
        """Count a request that was not taken on."""
        self._refused[status] = self._refused.get(status, 0) + 1

    def text(self, gauges: Iterable[Gauge]) -> bytes:
        """Return everything.

        Args:
            gauges: What is true now.
        """
        return "".join(f"{line}\n" for line in self._lines(gauges)).encode()

    def _lines(self, gauges: Iterable[Gauge]) -> Iterator[str]:
        yield from _head("build_info", "Version of the server.", "gauge")
        yield f'cog_build_info{{version="{__version__}"}} 1'
        yield from _head("predictions_total", "Predictions and trainings that are over.", "counter")
        for (kind, status), count in sorted(self._ended.items()):
            yield f'cog_predictions_total{{kind="{kind}",status="{status}"}} {count}'
        yield from _head("refused_total", "Requests that were not taken on.", "counter")
        for code, count in sorted(self._refused.items()):
            yield f'cog_refused_total{{code="{code}"}} {count}'
        yield from self._times.lines("predict_seconds", "Time in the model.")
        yield from self._waits.lines("queue_seconds", "Time of those that waited for a slot.")
        for name, meaning, value in gauges:
            yield from _head(name, meaning, "counter" if name.endswith("_total") else "gauge")
            yield f"cog_{name} {value:g}"


def _head(name: str, meaning: str, kind: str) -> Iterator[str]:
    yield f"# HELP cog_{name} {meaning}"
    yield f"# TYPE cog_{name} {kind}"
