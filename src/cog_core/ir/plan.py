"""The plan of an image: one frozen value that can be printed, compared, hashed, stored and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.values import EPOCH, Platform
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.ir.steps import Base, Pairs, Step


@attrs.frozen(kw_only=True)
class ImageConfig(Frozen):
    """What the image says about running it (OCI image specification, config, "Properties").

    Environment, working directory and user come from the steps; this is the rest.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    labels: Pairs = ()


@attrs.frozen(kw_only=True)
class Stage(Frozen):
    """A base and the steps on top of it."""

    base: Base
    steps: tuple[Step, ...]


@attrs.frozen(kw_only=True)
class Decision(Frozen):
    """Something that was decided for the author, and why.

    Attributes:
        what: What it is about: ``python``, ``base``, ``platform``.
        value: What was chosen.
        because: The reason, as the end of a sentence.
    """

    what: str
    value: str
    because: str


@attrs.frozen(kw_only=True)
class BuildPlan(Frozen):
    """Everything a backend needs to know to make one image for one platform.

    Attributes:
        stage: Base and steps, from the lowest layer to the highest.
        config: How to run the image, and its labels.
        platform: What it runs on.
        created: Time of the image and of generated files, in seconds since 1970.
        decisions: What was decided on the way; for people, not part of equality or of the digest.
    """

    stage: Stage
    config: ImageConfig
    platform: Platform
    created: int = EPOCH
    decisions: tuple[Decision, ...] = attrs.field(default=(), eq=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the plan's stage."""
        return self.stage.steps

    def with_steps(self, *steps: Step) -> BuildPlan:
        """Return the same plan with other steps; for plugins that insert some."""
        return attrs.evolve(self, stage=attrs.evolve(self.stage, steps=steps))

    def with_labels(self, labels: Pairs) -> BuildPlan:
        """Return the same plan with further labels; a name that is there already gets the new value."""
        merged = tuple(sorted((dict(self.config.labels) | dict(labels)).items()))
        return attrs.evolve(self, config=attrs.evolve(self.config, labels=merged))
