"""The embedded backend: images put together from packages and files by this process alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cog_backends.oci.assemble import assemble
from cog_backends.oci.base import Bases
from cog_backends.oci.plugin import CAPABILITIES
from cog_backends.oci.runner import ImageRunner
from cog_backends.oci.store import Store
from cog_core import process
from cog_core.backend import Probe
from cog_core.errors import BackendError, UnsupportedPlan
from cog_core.image_failures import mapped
from cog_core.image_store import ImageStore
from cog_core.ir import ImageBase, SystemPackages
from cog_core.ir.lower import CA_CERT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.backend import BuildRequest, Container, ImageInfo, RunRequest
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings


class OciBackend:
    """Builds, keeps, pushes and runs images without any engine."""

    def __init__(self, settings: Settings, *, run: Runner = process.run) -> None:
        """Take the settings; nothing is made before it is needed.

        Args:
            settings: Where the cache is, among others.
            run: Starts programs.
        """
        self._settings = settings
        self._run = run
        self._store = Store(settings.cache)
        self._images = ImageStore(settings, run)
        self._runner = ImageRunner(store=self._store, settings=settings, run=run)

    def probe(self) -> Probe:
        """Say that this backend works, and whether images can be run."""
        try:
            manner = self._runner.manner
        except BackendError as error:
            manner = f"cannot run images: {error.message}"
        except OSError as error:
            return Probe(
                usable=False,
                reason=f"the cache {self._settings.cache} cannot be written: {error.strerror}",
                fix="export COG_CACHE_DIR=/a/folder/of/yours",
            )
        return Probe(
            usable=True,
            reason=f"built in; {manner}",
            capabilities=CAPABILITIES,
            details={"images": self._images.location},
        )

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image and deliver it to every output."""
        _check_system_packages(request)
        with mapped():
            bundle = request.secrets.get(CA_CERT)
            bases = Bases(
                store=self._store,
                settings=self._settings,
                run=self._run,
                authorities=bundle.read().decode() if bundle else None,
                no_cache=request.no_cache or request.pull,
            )
            image = assemble(request, bases, emit)
            return self._images.deliver(image, self._store.layout, request.outputs, emit)

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image of the store says about itself."""
        return self._images.inspect(reference)

    def load(self, archive: Path) -> None:
        """Read the images of an archive into the store."""
        self._images.load(archive)

    def export(self, reference: str, archive: Path) -> None:
        """Write an image of the store into an archive."""
        self._images.export(reference, archive)

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image from its registry into the store."""
        self._images.pull(reference, emit)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push an image of the store and return its manifest's digest there."""
        return self._images.push(reference, target, emit)

    def run(self, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container in a sandbox, or as a plain process where none can be made."""
        image, _ = self._images.find(request.reference)
        with mapped():
            return self._runner.start(image, request, on_line)


def _check_system_packages(request: BuildRequest) -> None:
    """Refuse system packages for a base that was not made here, before anything is done.

    Raises:
        UnsupportedPlan: The plan asks for that.
    """
    base = request.plan.stage.base
    for step in request.plan.steps:
        if isinstance(step, SystemPackages) and isinstance(base, ImageBase):
            raise UnsupportedPlan(
                f"system packages ({', '.join(step.names)}) cannot be added to the base image {base.reference}",
                hint="Leave --base-image out, or use --backend docker or podman.",
                origin=step.origin,
            )
