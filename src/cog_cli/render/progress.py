"""A build as it happens, in the form that was asked for: `auto`, `plain`, `tty`, `json` or `quiet`."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import attrs

from cog_cli.render.console import say, size, styled, warn
from cog_core.errors import UsageError
from cog_core.events import (
    Decided,
    Noted,
    StepFailed,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    Warned,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.events import Emit, Event
    from cog_core.settings import Settings

MODES = ("auto", "plain", "tty", "json", "quiet")


def mode_of(asked: str | None, settings: Settings) -> str:
    """Return the mode that was asked for, else the environment's, as far as we know it.

    Raises:
        UsageError: There is no such mode.
    """
    if asked is None:
        return settings.progress if settings.progress in MODES else "auto"
    if asked not in MODES:
        raise UsageError(f"unknown progress mode {asked!r}", hint=f"Use one of {', '.join(MODES)}.")
    return asked


def tell(mode: str, text: str) -> None:
    """Print a line of our own; among JSON lines, as one of them."""
    if mode == "json":
        _as_json(Noted(message=text.strip()))
    else:
        say(text)


@contextlib.contextmanager
def showing(mode: str) -> Iterator[Emit]:
    """Show events in one of ``MODES`` for the time of a build."""
    if mode == "auto":
        mode = "tty" if sys.stderr.isatty() else "plain"
    if mode == "tty":
        from cog_cli.render.live import LiveView  # noqa: PLC0415 - rich is slow to import

        with LiveView() as view:
            yield view.take
    else:
        yield {"plain": Plain().take, "json": _as_json, "quiet": _only_warnings}[mode]


class Plain:
    """One line for each thing that happens, with the step's number in front."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """Print an event."""
        match event:
            case StepStarted(id=key, name=name, origin=origin):
                self._numbers[key] = len(self._numbers) + 1
                place = styled(f"  ({origin})", "note") if origin else ""
                say(f"#{self._numbers[key]} {first_line(name)}{place}")
            case StepOutput(id=key, line=line):
                say(f"#{self._numbers.get(key, 0)} {line}", "note")
            case StepFinished(id=key):
                say(f"#{self._numbers.get(key, 0)} {ending(event)}")
            case StepFailed(id=key, message=message):
                say(f"#{self._numbers.get(key, 0)} {failing(message)}", "error")
            case StepProgress():
                pass
            case _:
                show_remark(event)


def show_remark(event: Event) -> None:
    """Print a choice, a note or a warning; nothing for other events."""
    match event:
        case Decided(what=what, because=because):
            say(f"{what}: {because}", "note")
        case Noted(message=message, origin=origin):
            say(f"note: {message}" + (f"  ({origin})" if origin else ""), "note")
        case Warned(message=message, origin=origin, hint=hint):
            warn(f"{origin}: {message}" if origin else message, hint)
        case _:
            pass


def ending(event: StepFinished) -> str:
    """Return how a step ended, for the end of its line."""
    made = f", {size(event.size)}" if event.size else ""
    return f"cached{made}" if event.cached else f"done in {event.seconds:.1f} s{made}"


def failing(message: str) -> str:
    """Return why a step ended badly; backends report an interrupt by the exception's name."""
    return "stopped" if message == "KeyboardInterrupt" else f"failed: {message}"


def first_line(name: str) -> str:
    """Return a step's name on one line that fits most screens."""
    line = name.splitlines()[0] if name else ""
    return line if len(line) <= 160 else f"{line[:159]}…"


def _only_warnings(event: Event) -> None:
    if isinstance(event, Warned):
        show_remark(event)


def _as_json(event: Event) -> None:
    document = attrs.asdict(event, filter=lambda _, value: value is not None)
    sys.stderr.write(json.dumps({"event": type(event).__name__, **document}, ensure_ascii=False) + "\n")
    sys.stderr.flush()
