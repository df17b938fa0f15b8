"""The live view of a build on a terminal: finished steps scroll away, running ones stay with time and bytes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cog_cli.render.console import size
from cog_cli.render.progress import ending, failing, first_line
from cog_core import clock
from cog_core.events import Decided, Noted, StepFailed, StepFinished, StepOutput, StepProgress, StepStarted, Warned

if TYPE_CHECKING:
    from rich.console import RenderableType
    from typing_extensions import Self

    from cog_core.events import Event

_TAIL: Final = 6
"""Lines of output shown below a running step."""


@attrs.define
class _Running:
    name: str
    started: float
    spinner: Spinner = attrs.field(factory=lambda: Spinner("dots"))
    lines: deque[str] = attrs.field(factory=lambda: deque(maxlen=_TAIL))
    bytes: dict[str, tuple[int, int | None]] = attrs.field(factory=dict)

    def amount(self) -> str:
        """Return the bytes so far, of how many if all totals are known."""
        if not self.bytes:
            return ""
        done = sum(done for done, _ in self.bytes.values())
        totals = [total for _, total in self.bytes.values()]
        known = sum(total for total in totals if total)
        return f"{size(done)} of {size(known)}" if all(totals) and known >= done else size(done)


class LiveView:
    """Draws what is going on; use it as a context."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=False)
        self._running: dict[str, _Running] = {}
        self._live = Live(console=self._console, refresh_per_second=10, transient=True, get_renderable=self._draw)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing; what was finished stays on the screen."""
        self._live.__exit__(None, None, None)

    def take(self, event: Event) -> None:
        """Show an event."""
        match event:
            case StepStarted(id=key, name=name):
                self._running[key] = _Running(first_line(name), clock.monotonic())
            case StepOutput(id=key, line=line):
                if step := self._running.get(key):
                    step.lines.append(line)
            case StepProgress(id=key, what=what, done=done, total=total):
                if step := self._running.get(key):
                    step.bytes[what] = (done, total)
            case StepFinished(id=key):
                if step := self._running.pop(key, None):
                    self._line("✓", "green", step.name, ending(event))
            case StepFailed(id=key, message=message):
                if step := self._running.pop(key, None):
                    self._line("✗", "bold red", step.name, failing(message))
            case _:
                self._remark(event)

    def _remark(self, event: Event) -> None:
        match event:
            case Decided(what=what, because=because):
                self._console.print(Text(f"  {what}: {because}", style="dim"))
            case Noted(message=message):
                self._console.print(Text(f"  {message}", style="dim"))
            case Warned(message=message, origin=origin, hint=hint):
                self._console.print(Text(f"! {origin}: {message}" if origin else f"! {message}", style="yellow"))
                if hint:
                    self._console.print(Text(f"    {hint}", style="cyan"))
            case _:
                pass

    def _line(self, mark: str, style: str, name: str, end: str) -> None:
        text = Text.assemble((mark, style), " ", self._fitted(name, end), "  ", (end, "dim"))
        self._console.print(text, no_wrap=True, overflow="ellipsis")

    def _fitted(self, name: str, end: str) -> str:
        """Return a name short enough for a line that has an end, so that it is the name that is cut."""
        room = max(10, self._console.width - len(end) - 5)
        return name if len(name) <= room else f"{name[: room - 1]}…"

    def _draw(self) -> RenderableType:
        """Return the running steps and the last lines of the newest."""
        rows: list[RenderableType] = []
        for step in self._running.values():
            end = f"{clock.monotonic() - step.started:.1f} s  {step.amount()}".rstrip()
            step.spinner.update(text=Text.assemble(self._fitted(step.name, end), "  ", (end, "dim")))
            rows.append(step.spinner)
        if self._running:
            newest = list(self._running.values())[-1]
            rows += [Text(f"    {line}", style="dim", overflow="ellipsis", no_wrap=True) for line in newest.lines]
        return Group(*rows)
