"""What happens during a build, as typed values; whoever wants to watch passes a plain callable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.errors import Origin


@attrs.frozen(kw_only=True)
class StepStarted(Frozen):
    """A step begins.

    Attributes:
        id: Names the step within one build.
        name: What a person reads.
        origin: The line of cog.yaml that asked for it.
    """

    id: str
    name: str
    origin: Origin | None = None


@attrs.frozen(kw_only=True)
class StepOutput(Frozen):
    """A line that a step printed, without its line end and without secrets."""

    id: str
    line: str


@attrs.frozen(kw_only=True)
class StepProgress(Frozen):
    """How far a step is: ``done`` of ``total`` bytes, or of an unknown amount."""

    id: str
    what: str
    done: int
    total: int | None = None


@attrs.frozen(kw_only=True)
class StepFinished(Frozen):
    """A step ended well.

    Attributes:
        seconds: How long it took, by a clock that only goes forwards.
        cached: Nothing had to be done.
        size: Bytes of the layer that it made, uncompressed; None when unknown.
    """

    id: str
    seconds: float
    cached: bool = False
    size: int | None = None


@attrs.frozen(kw_only=True)
class StepFailed(Frozen):
    """A step ended badly; the exception that follows says how."""

    id: str
    message: str


@attrs.frozen(kw_only=True)
class Decided(Frozen):
    """Something was chosen for the user: ``what`` became ``value``, and why."""

    what: str
    value: str
    because: str


@attrs.frozen(kw_only=True)
class Noted(Frozen):
    """Something that was decided or assumed for the user."""

    message: str
    origin: Origin | None = None


@attrs.frozen(kw_only=True)
class Warned(Frozen):
    """Something that works but should be changed."""

    message: str
    origin: Origin | None = None
    hint: str | None = None


Event: TypeAlias = "StepStarted | StepOutput | StepProgress | StepFinished | StepFailed | Decided | Noted | Warned"
Emit: TypeAlias = Callable[[Event], None]


def ignore(_: Event) -> None:
    """Take an event and do nothing."""
