"""The embedded backend: images put together from packages and files by this process alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_backends.oci.assemble import assemble
from cog_backends.oci.base import Bases
from cog_backends.oci.failures import mapped
from cog_backends.oci.outputs import deliver, export_archive, push_image
from cog_backends.oci.plugin import CAPABILITIES
from cog_backends.oci.runner import ImageRunner
from cog_backends.oci.store import Store
from cog_core import process
from cog_core.backend import ImageInfo, Probe
from cog_core.errors import BackendError, ImageNotFound
from cog_core.ir.lower import CA_CERT
from cog_core.layouts import image_info
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cog_core.backend import BuildRequest, Container, RunRequest
    from cog_core.events import Emit
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.layout import Image


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
            details={"images": self._location},
        )

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image and deliver it to every output."""
        with mapped():
            bundle = request.secrets.get(CA_CERT)
            bases = Bases(
                store=self._store,
                settings=self._settings,
                run=self._run,
                authorities=bundle.read().decode() if bundle else None,
            )
            image = assemble(request, bases, emit)
            references, digest = deliver(
                image, request.outputs, self._store, settings=self._settings, run=self._run, emit=emit
            )
            info = image_info(image, references, location=self._location)
        return info if digest is None else attrs.evolve(info, digest=digest)

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image of the store says about itself."""
        image, names = self._find(reference)
        return image_info(image, names, location=self._location)

    def export(self, reference: str, archive: Path) -> None:
        """Write an image of the store into an archive."""
        image, names = self._find(reference)
        with mapped():
            export_archive(image, self._store.layout, archive, [Reference.parse(name) for name in names])

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image from its registry into the store."""
        from cog_backends.oci.registries import pull_image  # noqa: PLC0415 - builds need no HTTP library

        with mapped():
            pull_image(reference, self._store, settings=self._settings, run=self._run, emit=emit)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push an image of the store and return its manifest's digest there."""
        image, _ = self._find(reference)
        with mapped():
            return push_image(image, target, self._store, settings=self._settings, run=self._run, emit=emit)

    def run(self, request: RunRequest, on_line: Callable[[str, str], None]) -> Container:
        """Start a container in a sandbox, or as a plain process where none can be made."""
        image, _ = self._find(request.reference)
        with mapped():
            return self._runner.start(image, request, on_line)

    @property
    def _location(self) -> str:
        return str(self._store.root / "images")

    def _find(self, reference: str) -> tuple[Image, tuple[str, ...]]:
        """Return an image by its name or its id, and its names."""
        layout = self._store.layout
        with mapped():
            if reference.startswith("sha256:"):
                found = next((image for image in self._images() if image.image_id == reference), None)
                if found is None:
                    raise ImageNotFound(f"there is no image {reference}")
            else:
                found = layout.image(reference)
            names = (name for name, known in layout.images() if name and known.digest == found.descriptor.digest)
            return found, tuple(Reference.parse(name).familiar for name in names)

    def _images(self) -> list[Image]:
        return [self._store.layout.image(descriptor) for _, descriptor in self._store.layout.images()]
