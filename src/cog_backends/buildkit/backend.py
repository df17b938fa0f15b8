"""The backend ``buildkit``: probe, build, deliver, inspect, push; other backends run what it built.

What only a build needs is imported by the build: the probe asks the server before the program is all there.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from cog_backends.buildkit.address import find_server
from cog_backends.buildkit.facts import Facts, ask
from cog_backends.buildkit.fixes import NotUsable
from cog_backends.buildkit.plugin import CAPABILITIES
from cog_core import process
from cog_core.backend import Probe
from cog_core.errors import CogError, UnsupportedPlan
from cog_core.ir import Capability
from cog_core.values import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from cog_backends.buildkit.address import Server
    from cog_core.backend import BuildRequest, ImageInfo
    from cog_core.events import Emit
    from cog_core.image_store import ImageStore
    from cog_core.process import Runner
    from cog_core.settings import Settings

_ARCHITECTURES: Final = frozenset({"amd64", "arm64"})
"""Those that images are made for."""


class BuildkitBackend:
    """Builds with a BuildKit server, which keeps no images: they go to the store that needs no engine, or away."""

    def __init__(self, settings: Settings, run: Runner = process.run) -> None:
        """Take the settings; nothing is asked before it is needed.

        Args:
            settings: Where the server is, and where images are kept.
            run: Starts ``buildctl``.
        """
        self._settings = settings
        self._run = run

    @cached_property
    def _images(self) -> ImageStore:
        from cog_core.image_store import ImageStore  # noqa: PLC0415 - not before the server has been asked

        return ImageStore(self._settings, self._run)

    @cached_property
    def _server(self) -> Server:
        return find_server(self._settings)

    @cached_property
    def _facts(self) -> Facts:
        return ask(self._server, self._settings, self._run)

    def probe(self) -> Probe:
        """Say whether a server answers, and what it builds for."""
        try:
            server, facts = self._server, self._facts
        except CogError as error:
            fix = error.fix if isinstance(error, NotUsable) else None
            return Probe(usable=False, reason=error.message.splitlines()[0], fix=fix)
        own = Platform.of_this_machine().architecture
        others = {platform.architecture for platform in facts.platforms} & _ARCHITECTURES - {own}
        return Probe(
            usable=True,
            reason=f"BuildKit {facts.version} at {server.address}",
            version=facts.version,
            capabilities=CAPABILITIES if others else CAPABILITIES - {Capability.OTHER_PLATFORMS},
            details={
                "server": server.address,
                "platforms": facts.names,
                "images": f"{self._settings.images} (run them with --backend oci)",
            },
        )

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        """Build the image, then deliver it to every output; see :class:`cog_backends.buildkit.delivery.Delivery`."""
        from cog_backends.buildkit.delivery import Delivery  # noqa: PLC0415 - not before the server has been asked

        self._check_platform(request.plan.platform)
        return Delivery(server=self._server, settings=self._settings, run=self._run, images=self._images).build(
            request, emit
        )

    def inspect(self, reference: str) -> ImageInfo:
        """Return what an image of the store says about itself."""
        return self._images.inspect(reference)

    def export(self, reference: str, archive: Path) -> None:
        """Write an image of the store into an archive."""
        self._images.export(reference, archive)

    def push(self, reference: str, target: str, emit: Emit) -> str:
        """Push an image of the store and return its manifest's digest there."""
        return self._images.push(reference, target, emit)

    def _check_platform(self, platform: Platform) -> None:
        """Refuse what no worker can run, before anything is sent."""
        if not self._facts.builds_for(platform):
            raise UnsupportedPlan(
                f"the BuildKit server at {self._server.address} builds for {self._facts.names}, not for {platform}",
                hint="Register emulators on its machine (binfmt_misc), or name a server that has such a worker.",
            )
