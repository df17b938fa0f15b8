"""Builds plans on the backend under test and reads what comes out."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from cog_core import clock
from cog_core.backend import BuildRequest, Probe, ToLayout
from cog_core.context import BuildContext
from cog_core.destinations import needs_of
from cog_core.events import ignore
from cog_core.ir import BuildPlan, Capability, ImageConfig, Stage, lacking, lower
from cog_core.ir.steps import PROJECT, RUNTIME, WEIGHTS
from cog_core.testing.contract.built import Built
from cog_core.values import Platform
from cog_oci.frozen import Frozen
from cog_oci.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from cog_core.backend import Backend, Output
    from cog_core.events import Emit, Event
    from cog_core.ir import Step
    from cog_core.testing.contract.subject import Subject
    from cog_core.values import Secret

_PATIENCE = 10.0
_PAUSE = 0.1


@attrs.frozen(kw_only=True)
class Kit(Frozen):
    """What a check works with.

    Attributes:
        subject: What is tested.
        backend: The backend, loaded.
        probe: What its probe found.
        folder: A folder of this check's own.
        leftovers: What the backend has lying around now; see ``BackendContract.leftovers``.
        tag: A name for images that no other check uses.
    """

    subject: Subject
    backend: Backend
    probe: Probe
    folder: Path
    leftovers: Callable[[], Collection[str]]
    tag: str
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, repr=False)

    @property
    def project(self) -> Path:
        """The folder that is the context ``project``."""
        return self._folder("project")

    @property
    def weights(self) -> Path:
        """The folder that is the context ``weights``."""
        return self._folder("weights")

    @property
    def runtime(self) -> Path:
        """The folder that is the context ``runtime``."""
        return self._folder("runtime")

    def put(self, name: str, content: bytes | str = b"", *, mode: int = 0o644) -> Path:
        """Write a file of the project, and the folders above it."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def has(self, capability: Capability) -> bool:
        """Whether the backend can do something here."""
        return capability in self.probe.capabilities

    def needs(self, *capabilities: Capability) -> None:
        """Skip the check unless the backend has these capabilities."""
        for capability in capabilities:
            if not self.has(capability):
                pytest.skip(f"the backend does not declare {capability.value} here")

    def left_since(self, before: Collection[str]) -> set[str]:
        """Return what lies around now and did not before; an engine has some seconds to clean up behind a client."""
        deadline = clock.monotonic() + _PATIENCE
        while (left := set(self.leftovers()) - set(before)) and clock.monotonic() < deadline:
            clock.sleep(_PAUSE)
        return left

    def plan(self, *steps: Step, config: ImageConfig | None = None) -> BuildPlan:
        """Return a plan on the subject's base, for this machine, as the planner would make it."""
        stage = Stage(base=self.subject.base, steps=steps)
        return BuildPlan(stage=stage, config=config or ImageConfig(), platform=Platform.of_this_machine())

    @property
    def other_platform(self) -> Platform:
        """A platform that this machine is not."""
        return Platform("linux", "amd64" if Platform.of_this_machine().architecture == "arm64" else "arm64")

    def foreign_plan(self, *steps: Step) -> BuildPlan:
        """Return a plan for another platform, on the subject's base for it."""
        plan = self.plan(*steps)
        base = self.subject.foreign_base or self.subject.base
        return attrs.evolve(plan, stage=attrs.evolve(plan.stage, base=base), platform=self.other_platform)

    def build(self, *steps: Step, config: ImageConfig | None = None, **how: Any) -> Built:
        """Build a plan of these steps; the further arguments are those of :meth:`build_plan`."""
        return self.build_plan(self.plan(*steps, config=config), **how)

    def build_plan(
        self,
        plan: BuildPlan,
        *,
        outputs: tuple[Output, ...] = (),
        secrets: Mapping[str, Secret] | None = None,
        emit: Emit = ignore,
        layout: Path | None = None,
        **how: Any,
    ) -> Built:
        """Lower a plan for the backend, build it and read it back; skip the check if the backend cannot do it.

        Args:
            plan: What to build.
            outputs: Where else the image goes; a layout is always written.
            secrets: By id.
            emit: Hears the events too; what it raises ends the build.
            layout: Where the layout is written; a new folder of this check's by default.
            **how: Further fields of the request, such as ``no_cache``.
        """
        events: list[Event] = []

        def listen(event: Event) -> None:
            events.append(event)
            emit(event)

        layout = layout or self.folder / f"image-{next(self._numbers)}"
        outputs = (ToLayout(layout), *outputs)
        info = self.backend.build(self.request(plan, outputs, secrets=secrets or {}, **how), listen)
        found = Layout.open(layout)
        return Built(info=info, layout=found, image=found.image(), events=tuple(events))

    def request(self, plan: BuildPlan, outputs: tuple[Output, ...], **how: Any) -> BuildRequest:
        """Return a request for the backend; skip the check if it cannot do that."""
        return BuildRequest(plan=self._lowered(plan, outputs), contexts=self._contexts(), outputs=outputs, **how)

    def _lowered(self, plan: BuildPlan, outputs: tuple[Output, ...]) -> BuildPlan:
        capabilities = self.probe.capabilities
        lowered = lower(plan, capabilities)
        self.needs(*(need.capability for need in needs_of(outputs)))
        for need in lacking(lowered, capabilities):
            pytest.skip(f"the backend does not declare {need.capability.value} here, which {need.subject} needs")
        return lowered

    def _contexts(self) -> dict[str, BuildContext]:
        return {
            PROJECT: BuildContext.of_project(self.project),
            WEIGHTS: BuildContext(self.weights),
            RUNTIME: BuildContext(self.runtime),
        }

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path
