"""The backend ``podman``: probe, build, deliver, inspect, push, run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from cog_backends.podman.build import Builder
from cog_backends.podman.containers import start
from cog_backends.podman.plugin import CAPABILITIES
from cog_backends.podman.store import Images
from cog_backends.podman.tools import Missing, Tools, find_tools
from cog_core.backend import Probe, ToDockerArchive, ToLayout, ToRegistry, ToStore
from cog_core.engine_advice import way
from cog_core.errors import BackendUnavailable
from cog_core.image_failures import mapped
from cog_core.ir import Capability
from cog_core.process import run as run_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.backend import BuildRequest, Container, ImageInfo, RunRequest
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings


class PodmanBackend:
    """Builds with buildah and runs with podman, in the user's own store and with the user's own configuration."""

    def __init__(self, settings: Settings, run: Runner = run_process) -> None:
        self._settings = settings
        self._run = run

    @cached_property
    def _found(self) -> Tools | Missing:
        return find_tools(self._settings.environ, self._run)

    @cached_property
    def _images(self) -> Images:
        match self._found:
            case Missing(reason=reason, fix=fix):
                raise BackendUnavailable(reason, hint=f"{way(fix)}." if fix else "`podman info` says more.")
            case tools:
                return Images(tools, self._settings, self._run)

    def probe(self) -> Probe:
        """Say whether podman works here, and with which builder."""
        match self._found:
            case Missing(reason=reason, fix=fix):
                return Probe(usable=False, reason=reason, fix=fix)
            case tools:
                return _usable(tools)

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image, then deliver it to every output.

        An image without a name stays, because buildah's cache are images; ``podman image prune`` takes it away.
        """
        images = self._images
        tags = tuple(output.tag for output in request.outputs if isinstance(output, ToStore))
        image_id = Builder(images).build(request, tags, emit)
        info = images.inspect(image_id)
        for output in request.outputs:
            with mapped():
                match output:
                    case ToLayout(path=path):
                        images.save_layout(image_id, path, tags[0] if tags else None)
                    case ToDockerArchive(path=path):
                        images.save(tags[0] if tags else image_id, path)
                    case ToRegistry(reference=reference):
                        info = attrs.evolve(info, digest=images.push(image_id, reference, emit))
                    case ToStore():
                        pass
        return info

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image of the store says about itself."""
        return self._images.inspect(reference)

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image by podman, with its registries and credentials."""
        self._images.pull(reference, emit)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push by podman and return the manifest's digest."""
        return self._images.push(reference, target, emit)

    def load(self, archive: Path) -> None:
        """Read an archive of images into the store."""
        self._images.load(archive)

    def export(self, reference: str, archive: Path) -> None:
        """Write an archive as ``docker save`` does."""
        self._images.save(reference, archive)

    def run(self, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container."""
        return start(self._images, request, on_line)


def _usable(tools: Tools) -> Probe:
    who = "in another machine" if tools.remote else "rootless" if tools.rootless else "as root"
    builder = tools.builder[0].rpartition("/")[2]
    return Probe(
        usable=True,
        reason=f"podman {tools.version}, {who}, buildah {tools.builder_version}",
        version=tools.version,
        capabilities=CAPABILITIES - _beyond(tools),
        details={
            "builder": f"{builder} {tools.builder_version}" if builder == "buildah" else "podman build",
            "platform": str(tools.platform),
            "store": tools.store,
        },
    )


def _beyond(tools: Tools) -> frozenset[Capability]:
    """Return what this one is too old for, or too far away."""
    found = {
        Capability.BIND_MOUNT: tools.named_contexts,
        Capability.SSH_MOUNT: tools.forwards_agents,
        Capability.REPRODUCIBLE: tools.named_contexts,
        Capability.CACHE_EXCHANGE: tools.shares_caches,
    }
    return frozenset(capability for capability, there in found.items() if not there)
