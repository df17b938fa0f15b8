"""Builds images with umoci, which lays files over a base image: no daemon, no root, no container.

Whatever has to run in the image is refused; Cog then names the backends that could.
"""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING

from cog_core import process
from cog_core.backend import BackendInfo, BuildRequest, ImageInfo, Probe
from cog_core.clock import rfc3339
from cog_core.errors import BuildFailed, CogError, UnsupportedPlan
from cog_core.image_failures import mapped
from cog_core.image_store import ImageStore
from cog_core.ir import BuildPlan, Capability, Env, Step, User, Workdir
from cog_core.layering import StepFiles, describe
from cog_core.plugins import hookimpl
from cog_core.process import Command
from cog_core.staging import workspace
from cog_core.telling import told
from cog_oci.lay_out import lay_out
from cog_oci.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.events import Emit
    from cog_core.settings import Settings

CAPABILITIES = frozenset(
    {
        Capability.IMAGE_BASE,
        Capability.USER,
        Capability.PYTHON_PACKAGES,
        Capability.RUNTIME,
        Capability.WEIGHTS,
        Capability.STORE,
        Capability.OCI_LAYOUT,
        Capability.DOCKER_ARCHIVE,
        Capability.REGISTRY,
        Capability.OTHER_PLATFORMS,
        Capability.REPRODUCIBLE,
    }
)


class Umoci(ImageStore):
    """Keeps its images where the embedded backend has its own, so that one can run what the other built."""

    def probe(self) -> Probe:
        """Ask umoci for its version."""
        command = Command(argv=("umoci", "--version"), env=self.settings.environ, timeout=5)
        try:
            answer = self.run(command).check().stdout.split()
        except CogError as error:
            reason = error.message.partition("\n")[0]
            return Probe(usable=False, reason=reason, fix="sudo apt-get install umoci")
        version = answer[-1] if answer else "unknown"
        return Probe(usable=True, reason=f"umoci {version}", version=version, capabilities=CAPABILITIES)

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Lay every step's files over the base, write the configuration, and deliver the image."""
        plan = request.plan
        if "" in (*plan.config.cmd, *plan.config.entrypoint):
            raise UnsupportedPlan("umoci cannot write an empty word into an image's command")
        with workspace(self.settings, "umoci") as folder, mapped():
            layout = Layout.create(folder / "image")
            base = self.base(plan, layout, emit, anew=request.no_cache or request.pull)
            layout.tag("work", base.descriptor)
            files = StepFiles(
                request=request, layout=layout, base=base, scratch=folder, settings=self.settings, run=self.run
            )
            for number, step in enumerate(plan.steps):
                name = describe(step)
                with told(emit, name, step=str(number), origin=step.origin):
                    tree = folder / f"step-{number}"
                    lay_out(files.of(step), tree, mtime=plan.created)
                    for top in sorted(tree.iterdir()):
                        self._umoci(layout, "insert", *_history(plan, name), *_owner(), str(top), f"/{top.name}")
            with told(emit, "configuration"):
                self._umoci(layout, "config", *_history(plan, "configuration"), *_configuration(plan))
            return self.deliver(layout.image("work"), layout, request.outputs, emit)

    def _umoci(self, layout: Layout, verb: str, *words: str) -> None:
        argv = ("umoci", verb, "--image", f"{layout.root}:work", *words)
        done = self.run(Command(argv=argv, env=self.settings.environ))
        if done.code:
            lines = tuple(done.stderr.splitlines()[-20:])
            raise BuildFailed(f"umoci {verb} failed", output=lines, exit_status=done.code)


def _history(plan: BuildPlan, created_by: str) -> tuple[str, ...]:
    return (f"--history.created={rfc3339(plan.created)}", f"--history.created_by={created_by}")


def _owner() -> tuple[str, ...]:
    """Files belong to root in the image, also when an ordinary user builds it."""
    return ("--rootless",) if os.geteuid() else ()


def _configuration(plan: BuildPlan) -> Iterator[str]:
    """Yield what the steps and the plan say about containers, as options of ``umoci config``."""
    config = plan.config
    variables = chain.from_iterable(step.variables for step in plan.steps if isinstance(step, Env))
    yield f"--created={rfc3339(plan.created)}"
    yield "--clear=config.cmd"
    yield from (f"--config.env={name}={value}" for name, value in variables)
    yield from (f"--config.workingdir={step.path}" for step in _last(plan, Workdir))
    yield from (f"--config.user={step.name}" for step in _last(plan, User))
    yield from (f"--config.entrypoint={word}" for word in config.entrypoint)
    yield from (f"--config.cmd={word}" for word in config.cmd)
    yield from (f"--config.exposedports={port}" for port in config.ports)
    yield from (f"--config.label={name}={value}" for name, value in config.labels)


def _last(plan: BuildPlan, kind: type[Step]) -> list[Step]:
    return [step for step in plan.steps if isinstance(step, kind)][-1:]


def _load(settings: Settings) -> Umoci:
    return Umoci(settings, process.run)


@hookimpl
def cog_backends() -> Iterator[BackendInfo]:
    """Register the backend."""
    yield BackendInfo(
        name="umoci", summary="umoci: files over a base, no daemon", capabilities=CAPABILITIES, load=_load
    )
