"""Images of the backends whose engine keeps none: an OCI layout in the cache folder, which they share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from cog_core.backend import ToDockerArchive, ToLayout, ToRegistry, ToStore
from cog_core.errors import ImageNotFound
from cog_core.events import StepProgress
from cog_core.image_failures import mapped
from cog_core.layouts import image_info
from cog_core.telling import told
from cog_oci.frozen import Frozen
from cog_oci.images import copy_image
from cog_oci.layout import Layout
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.backend import ImageInfo, Output
    from cog_core.events import Emit
    from cog_core.ir import BuildPlan
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_oci.layout import Image


@attrs.frozen
class ImageStore(Frozen):
    """The images below the user's cache folder; several processes may use them at once.

    Attributes:
        settings: Say where the cache is, and how registries are reached.
        run: Starts credential helpers.
    """

    settings: Settings
    run: Runner

    @property
    def layout(self) -> Layout:
        """The images."""
        return Layout.create(self.settings.images)

    @property
    def location(self) -> str:
        """Where the images are, for people."""
        return str(self.settings.images)

    def deliver(self, image: Image, source: Layout, outputs: tuple[Output, ...], emit: Emit) -> ImageInfo:
        """Bring an image to all its destinations, and return what it says about itself.

        Args:
            image: The image.
            source: Where it lies.
            outputs: Where it goes.
            emit: Hears of pushes.

        Raises:
            CogError: A destination cannot be reached or written.
        """
        names = [Reference.parse(output.tag) for output in outputs if isinstance(output, ToStore)]
        references: list[str] = []
        digest = None
        for output in outputs:
            match output:
                case ToStore(tag=tag):
                    self._keep(image, source, Reference.parse(tag))
                    references.append(Reference.parse(tag).familiar)
                case ToLayout(path=path):
                    copy_image(source, image.descriptor, Layout.create(path), name=names[0] if names else None)
                case ToDockerArchive(path=path):
                    _write_archive(image, source, path, names)
                case ToRegistry(reference=target):
                    digest = self._push(image, source, target, emit)
                    references.append(target)
        info = image_info(image, references, location=self.location)
        return info if digest is None else attrs.evolve(info, digest=digest)

    def base(self, plan: BuildPlan, target: Layout, emit: Emit, *, anew: bool = False) -> Image:
        """Return a plan's base image, copied from the store to a layout; it is fetched if the store has none.

        Args:
            plan: Its base is an image.
            target: Where it is needed; the image is listed there without a name, with OCI's media types.
            emit: Hears of it.
            anew: Fetch it although the store has it.

        Raises:
            BackendError: It cannot be had.
            RegistryError: The registry refused, or is out of reach.
            UnsupportedPlan: It is for another platform.
        """
        from cog_core.base_images import fetch_base  # noqa: PLC0415 - only builds need a base

        reference = getattr(plan.stage.base, "reference", "")
        step = f"base {reference}"
        with told(emit, step, origin=plan.stage.base.origin), mapped():
            found = fetch_base(
                reference,
                plan.platform,
                self.layout,
                settings=self.settings,
                run=self.run,
                progress=lambda done, total: emit(StepProgress(id=step, what=reference, done=done, total=total)),
                anew=anew,
            )
            copied = copy_image(self.layout, found.descriptor, target)
            return target.image(target.put_manifest(copied.manifest.as_oci()))

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image says about itself.

        Args:
            reference: Its name or its id.

        Raises:
            ImageNotFound: There is none.
        """
        image, names = self.find(reference)
        return image_info(image, names, location=self.location)

    def load(self, archive: Path) -> None:
        """Read the images of an archive, under the names that they have there.

        Raises:
            BackendError: The archive is damaged, or holds no image.
        """
        from cog_oci.docker_archive import read_archive  # noqa: PLC0415 - slow, and most builds need none

        with mapped():
            read_archive(archive, self.layout)

    def export(self, reference: str, archive: Path) -> None:
        """Write an image into an archive that engines load.

        Raises:
            ImageNotFound: There is none of this name.
        """
        image, names = self.find(reference)
        with mapped():
            _write_archive(image, self.layout, archive, [Reference.parse(name) for name in names])

    def pull(self, reference: str, emit: Emit) -> None:
        """Fetch an image from its registry.

        Raises:
            RegistryError: The registry refused, or is out of reach.
        """
        from cog_core.registries import pull_image  # noqa: PLC0415 - builds need no HTTP library

        with mapped():
            pull_image(reference, self.layout, settings=self.settings, run=self.run, emit=emit)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push an image and return its manifest's digest there.

        Raises:
            ImageNotFound: There is none of this name.
            RegistryError: The registry refused, or is out of reach.
        """
        image, _ = self.find(reference)
        with mapped():
            return self._push(image, self.layout, target, emit)

    def find(self, reference: str) -> tuple[Image, tuple[str, ...]]:
        """Return an image by its name or its id, and its names.

        Raises:
            ImageNotFound: There is none.
        """
        layout = self.layout
        with mapped():
            if reference.startswith("sha256:"):
                images = (layout.image(descriptor) for _, descriptor in layout.images())
                found = next((image for image in images if image.image_id == reference), None)
                if found is None:
                    raise ImageNotFound(f"there is no image {reference}")
            else:
                found = layout.image(reference)
            names = (name for name, known in layout.images() if name and known.digest == found.descriptor.digest)
            return found, tuple(Reference.parse(name).familiar for name in names)

    def _keep(self, image: Image, source: Layout, name: Reference) -> None:
        if source == self.layout:
            source.tag(name, image.descriptor)
        else:
            copy_image(source, image.descriptor, self.layout, name=name)

    def _push(self, image: Image, layout: Layout, target: str, emit: Emit) -> str:
        from cog_core.registries import push_image  # noqa: PLC0415 - builds need no HTTP library
        from cog_oci.compress import CompressedLayers  # noqa: PLC0415 - layers stay as they are until they travel

        compressed = CompressedLayers(self.settings.cache / "compressed")
        return push_image(
            image, layout, target, compressed=compressed, settings=self.settings, run=self.run, emit=emit
        )


def _write_archive(image: Image, source: Layout, path: Path, names: list[Reference]) -> None:
    """Write an archive; it appears when it is complete."""
    from cog_oci.docker_archive import write_archive  # noqa: PLC0415 - slow, and most builds need none

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write_archive(source, image, file, names=names)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
