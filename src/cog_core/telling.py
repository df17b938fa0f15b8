"""Telling of a step: when it starts, how it ends, and how long it took."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cog_core.clock import monotonic
from cog_core.events import StepFailed, StepFinished, StepStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.errors import Origin
    from cog_core.events import Emit


@contextmanager
def told(emit: Emit, name: str, *, step: str | None = None, origin: Origin | None = None) -> Iterator[None]:
    """Tell that a step starts; the end of the block is its end, an exception its failure.

    Args:
        emit: Hears of it.
        name: What a person reads.
        step: The step's id within its build; the name by default.
        origin: The line of cog.yaml that asked for it.
    """
    number = step or name
    emit(StepStarted(id=number, name=name, origin=origin))
    started = monotonic()
    try:
        yield
    except BaseException as error:
        emit(StepFailed(id=number, message=str(error).partition("\n")[0] or type(error).__name__))
        raise
    emit(StepFinished(id=number, seconds=monotonic() - started))
