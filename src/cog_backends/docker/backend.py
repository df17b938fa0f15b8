"""The backend ``docker``: probe, build, deliver, inspect, push, run."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from cog_backends.docker.build import Builder
from cog_backends.docker.caches import check_exports
from cog_backends.docker.client import Engine, connect
from cog_backends.docker.contexts import context_name
from cog_backends.docker.identities import Identities
from cog_backends.docker.plugin import CAPABILITIES
from cog_backends.docker.rungs import Rung, RungKind, choose_rung
from cog_core.backend import Probe, ToDockerArchive, ToLayout, ToRegistry, ToStore
from cog_core.clock import monotonic
from cog_core.engine_advice import registry_advice
from cog_core.errors import BackendError, CogError, RegistryError
from cog_core.events import StepFailed, StepFinished, StepProgress, StepStarted
from cog_core.image_failures import mapped
from cog_core.ir import Capability
from cog_core.process import run as run_process
from cog_core.staging import workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.backend import BuildRequest, Container, ImageInfo, Output, RunRequest
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings

_CHUNK = 1 << 20
_UNNAMED = "cog-unnamed"
"""Repository of images without a name while they are delivered; each build has one of its own there."""
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64}) ")
"""In the last line of a push, such as ``v1: digest: sha256:... size: 1234``, which engines of every age write."""
_MOUNTS = frozenset({Capability.SECRET_MOUNT, Capability.SSH_MOUNT, Capability.BIND_MOUNT, Capability.CACHE_MOUNT})
_BEYOND = {
    RungKind.BUILDX: frozenset[Capability](),
    RungKind.CLI: frozenset({Capability.CACHE_EXCHANGE}),
    RungKind.CLASSIC: _MOUNTS | {Capability.CACHE_EXCHANGE, Capability.OTHER_PLATFORMS},
}
"""What cannot be had on each way to the builder."""


class DockerBackend:
    """Builds and runs images with the Docker engine of the user's context."""

    def __init__(self, settings: Settings, run: Runner = run_process) -> None:
        self._settings = settings
        self._run = run

    @cached_property
    def _engine(self) -> Engine:
        return connect(self._settings)

    @cached_property
    def _rung(self) -> Rung:
        return choose_rung(self._engine.version, self._settings, self._run)

    @property
    def _builder(self) -> str | None:
        """The context's own builder, unless the user chose one: a container driver sees no local images."""
        return None if self._settings.environ.get("BUILDX_BUILDER") else context_name(self._settings)

    def probe(self) -> Probe:
        """Say whether an engine answers, and which rung leads to its builder."""
        try:
            engine, rung = self._engine, self._rung
        except CogError as error:
            from cog_backends.docker.remedies import remedy  # noqa: PLC0415 - only for an engine that does not work

            reason = error.message.splitlines()[0]
            return Probe(usable=False, reason=reason, fix=remedy(reason, self._settings))
        return Probe(
            usable=True,
            reason=f"Docker {engine.version}, {rung.kind.value}",
            version=engine.version,
            capabilities=CAPABILITIES - _BEYOND[rung.kind],
            details={"host": engine.host, "platform": str(engine.platform), "builder": rung.kind.value},
        )

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image, then deliver it to every output."""
        check_exports(request.cache_to, self._engine, self._rung, self._settings, self._run)
        tags = tuple(output.tag for output in request.outputs if isinstance(output, ToStore))
        # The classic builder's cache are images: one without a name stays, and `docker image prune` takes it away.
        nameless = not tags and self._rung.kind is not RungKind.CLASSIC
        passing = (f"{_UNNAMED}:{os.urandom(8).hex()}",) if nameless else ()
        builder = Builder(
            engine=self._engine, rung=self._rung, settings=self._settings, run=self._run, name=self._builder
        )
        try:
            image_id = builder.build(request, (*tags, *passing), emit)
            info = self._engine.inspect((*tags, *passing, image_id)[0])
            self._identities.note(info.image_id, image_id)
            known = tuple(name for name in info.references if not name.startswith(f"{_UNNAMED}:"))
            info = self._deliver(attrs.evolve(info, references=known), request.outputs, emit)
        finally:
            for name in passing:
                self._engine.remove(name)
        return attrs.evolve(info, image_id=image_id)

    def _deliver(self, info: ImageInfo, outputs: tuple[Output, ...], emit: Emit) -> ImageInfo:
        for output in outputs:
            with mapped():
                match output:
                    case ToLayout(path=path):
                        self._export_layout(info, path)
                    case ToDockerArchive(path=path):
                        self._export_archive(info, path)
                    case ToRegistry(reference=reference):
                        info = attrs.evolve(info, digest=self.push(info.image_id, reference, emit))
                    case ToStore():
                        pass
        return info

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image of the engine's store says about itself."""
        info = self._engine.inspect(reference)
        return attrs.evolve(info, image_id=self._identities.of(info.image_id))

    @property
    def _identities(self) -> Identities:
        return Identities(self._settings.cache / "docker-images")

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image by the engine."""
        started = monotonic()
        emit(StepStarted(id="pull", name=f"pull {reference}"))
        for message in self._engine.pull(reference):
            if "error" in message:
                emit(StepFailed(id="pull", message=str(message["error"])))
                reason = str(message["error"])
                raise RegistryError(f"cannot pull {reference}: {reason}", hint=registry_advice(reason))
            detail = message.get("progressDetail") or {}
            if detail.get("total"):
                what = str(message.get("id"))
                emit(StepProgress(id="pull", what=what, done=detail.get("current", 0), total=detail["total"]))
        emit(StepFinished(id="pull", seconds=monotonic() - started))

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push by the engine and return the manifest's digest."""
        engine = self._engine
        known = engine.has(target)
        if reference != target:
            engine.tag(reference, target)
        try:
            return _pushed(engine, target, emit)
        finally:
            if reference != target and not known:
                engine.remove(target)

    def load(self, archive: Path) -> None:
        """Read an archive of images into the engine's store."""
        with archive.open("rb") as file:
            for message in self._engine.load(iter(lambda: file.read(_CHUNK), b"")):
                if "error" in message:
                    raise BackendError(f"the engine cannot load the image: {message['error']}")

    def run(self, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container."""
        from cog_backends.docker.containers import start  # noqa: PLC0415 - a build needs none

        return start(self._engine, request, on_line)

    def _export_archive(self, info: ImageInfo, path: Path) -> None:
        partial = path.with_name(f".{path.name}.partial")
        try:
            with partial.open("wb") as file:
                for chunk in self._engine.save(_name(info)):
                    file.write(chunk)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _export_layout(self, info: ImageInfo, path: Path) -> None:
        from cog_oci.docker_archive import read_archive  # noqa: PLC0415 - slow, and most builds need none
        from cog_oci.layout import Layout  # noqa: PLC0415 - as above

        with workspace(self._settings, "docker") as folder:
            self._export_archive(info, folder / "image.tar")
            read_archive(folder / "image.tar", Layout.create(path))


def _name(info: ImageInfo) -> str:
    return info.references[0] if info.references else info.image_id


def _pushed(engine: Engine, target: str, emit: Emit) -> str:
    started = monotonic()
    emit(StepStarted(id="push", name=f"push {target}"))
    digest = ""
    for message in engine.push(target):
        if "error" in message:
            emit(StepFailed(id="push", message=str(message["error"])))
            reason = str(message["error"])
            raise RegistryError(f"cannot push {target}: {reason}", hint=registry_advice(reason))
        detail = message.get("progressDetail") or {}
        if detail.get("total"):
            emit(
                StepProgress(
                    id="push", what=str(message.get("id")), done=detail.get("current", 0), total=detail["total"]
                )
            )
        if found := _DIGEST.search(str(message.get("status", ""))):
            digest = found.group(1)
    emit(StepFinished(id="push", seconds=monotonic() - started))
    return digest
