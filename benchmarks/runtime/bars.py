"""What is asked of our server, and the lines of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """What is asked: a share of upstream's value, or a limit for ours.

    Attributes:
        least: What has to be reached.
        stretch: What would be better still.
        higher: More is better.
        is_limit: The two are values of their own, not shares of upstream's.
    """

    least: float
    stretch: float | None = None
    higher: bool = False
    is_limit: bool = False

    def verdict(self, upstream: float, ours: float) -> str:
        """Return whether ours is good enough."""
        if not self._reaches(self.least, upstream, ours):
            return "not met"
        return (
            "met, stretch too" if self.stretch is not None and self._reaches(self.stretch, upstream, ours) else "met"
        )

    def _reaches(self, wanted: float, upstream: float, ours: float) -> bool:
        limit = wanted if self.is_limit else wanted * upstream
        return ours >= limit if self.higher else ours <= limit

    def text(self, unit: str) -> str:
        """Return it for the table, the stretch in brackets."""
        suffix = f" {unit}" if self.is_limit else "x"
        least = f"{self.least:g}{suffix}"
        return least if self.stretch is None else f"{least} ({self.stretch:g}{suffix})"


@dataclass(frozen=True)
class Figure:
    """A value that is measured on both sides; without a bar it explains another one.

    Attributes:
        what: In words.
        key: Its name in what was measured.
        unit: What it is shown in.
        factor: From what was measured to that unit.
        bar: What is asked.
    """

    what: str
    key: str
    unit: str
    factor: float = 1.0
    bar: Bar | None = None


@dataclass(frozen=True)
class Line:
    """A figure with the medians of both sides, in its unit."""

    figure: Figure
    upstream: float
    ours: float

    @property
    def cells(self) -> tuple[str, ...]:
        """What, bar, upstream, ours, ratio, met or not."""
        figure, bar = self.figure, self.figure.bar
        ratio = f"{self.ours / self.upstream:.2f}x" if self.upstream else ""
        return (
            figure.what,
            bar.text(figure.unit) if bar else "",
            f"{_short(self.upstream)} {figure.unit}",
            f"{_short(self.ours)} {figure.unit}",
            ratio,
            self.verdict,
        )

    @property
    def verdict(self) -> str:
        """``met``, ``met, stretch too``, ``not met``, or nothing without a bar."""
        return self.figure.bar.verdict(self.upstream, self.ours) if self.figure.bar else ""


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
