"""One build, and what becomes of its image."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import attrs

from cog_backends.buildkit.build import Builder
from cog_core.backend import ImageInfo, ToRegistry
from cog_core.errors import CogError
from cog_core.image_failures import mapped
from cog_core.staging import workspace
from cog_oci.frozen import Frozen
from cog_oci.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from cog_backends.buildkit.address import Server
    from cog_backends.buildkit.build import Pushed
    from cog_core.backend import BuildRequest
    from cog_core.events import Emit
    from cog_core.image_store import ImageStore
    from cog_core.process import Runner
    from cog_core.settings import Settings


@attrs.frozen(kw_only=True)
class Delivery(Frozen):
    """Builds on a server and brings the image to every output.

    Attributes:
        server: Who builds.
        settings: How registries are reached, and where the cache is.
        run: Starts ``buildctl``.
        images: Where images are kept.
    """

    server: Server
    settings: Settings
    run: Runner
    images: ImageStore

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image, then deliver it.

        Where registries are the only outputs the server pushes to them itself, and the image never comes here.

        Raises:
            BuildFailed: A step failed.
            BackendError: The server failed, or an output cannot be written.
        """
        targets = tuple(output.reference for output in request.outputs if isinstance(output, ToRegistry))
        with workspace(self.settings, "buildkit") as folder, mapped():
            builder = Builder(
                server=self.server,
                settings=self.settings,
                run=self.run,
                workspace=folder,
                known=self.images.layout.root,
            )
            if len(targets) < len(request.outputs):
                source = Layout.open(builder.into_layout(request, emit))
                return self.images.deliver(source.image(), source, request.outputs, emit)
            pushed = builder.into_registry(request, targets, emit)
            return self._of_registry(pushed, targets, request, folder)

    def _of_registry(
        self, pushed: Pushed, targets: tuple[str, ...], request: BuildRequest, folder: Path
    ) -> ImageInfo:
        """Describe what the server pushed; a registry that only the server reaches tells no layers."""
        from cog_core.registries import inspect_pushed  # noqa: PLC0415 - most builds need no HTTP library

        with contextlib.suppress(CogError), mapped():
            layout = Layout.create(folder / "pushed")
            info = inspect_pushed(targets[0], pushed.digest, layout, settings=self.settings, run=self.run)
            return attrs.evolve(info, references=targets, location=", ".join(targets))
        return ImageInfo(
            image_id=pushed.image_id,
            digest=pushed.digest,
            references=targets,
            platform=request.plan.platform,
            labels=dict(request.plan.config.labels),
            location=", ".join(targets),
        )
