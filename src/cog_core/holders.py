"""Who has an image in its store, and who runs images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.backend import ImageInfo, InspectsImages, LoadsImages, PullsImages
from cog_core.errors import BackendUnavailable, CogError, ImageNotFound
from cog_core.events import ignore
from cog_core.ir import Capability
from cog_core.ir.capabilities import Requirement
from cog_core.plugins import candidates
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from cog_core.events import Emit
    from cog_core.tools import Tools

RUNNING: Final = (Requirement(Capability.RUN_IMAGES, "running images"),)
"""What whoever runs an image needs besides its plan."""


def find_image(
    reference: str, kit: Tools, *, backend: str | None = None, to_run: bool = False
) -> tuple[str, ImageInfo]:
    """Return the name of the backend that has an image in its store, and what the image says about itself.

    Args:
        reference: The image's name.
        kit: Where backends come from.
        backend: Look only there.
        to_run: Look only where the image can be run.

    Raises:
        ImageNotFound: Nobody has it.
        BackendUnavailable: The backend asked for cannot be used.
    """
    searched: list[str] = []
    for candidate in candidates(kit.plugins, kit.settings, only=backend or kit.settings.backend):
        if not candidate.probe.usable or not isinstance(candidate.backend, InspectsImages):
            continue
        if to_run and not candidate.runner:
            if backend or kit.settings.backend:
                raise cannot_run(candidate.info.name, kit)
            continue
        try:
            with candidate.blamed():
                return candidate.info.name, candidate.backend.inspect(reference)
        except ImageNotFound:
            searched.append(candidate.info.name)
    if not searched:
        raise BackendUnavailable(
            f"no backend here can look for the image {reference!r}", hint="`cog backends` says what each one needs."
        )
    raise ImageNotFound(
        f"there is no image {reference!r} (searched: {', '.join(searched)})",
        hint="Build it with `cog build -t NAME`, or check the name.",
    )


def take_layout(path: Path, kit: Tools, *, backend: str | None = None) -> tuple[str, str]:
    """Bring the image of an OCI layout to a backend that runs images; return its name there, and the backend's.

    Args:
        path: The folder; it has to hold one image.
        kit: Where backends come from.
        backend: Bring it there; by default to the first that takes it.

    Raises:
        ImageNotFound: The layout holds no single image.
        BackendUnavailable: Nobody takes it.
    """
    from cog_oci.layout import Layout  # noqa: PLC0415 - slow to load, and builds need none

    layout = Layout.open(path)
    image = layout.image()
    name = f"cog-layout:{image.image_id.rpartition(':')[2][:12]}"
    for candidate in candidates(kit.plugins, kit.settings, only=backend or kit.settings.backend, also=RUNNING):
        taker: object = candidate.backend
        if not candidate.able or not isinstance(taker, LoadsImages) or not isinstance(taker, InspectsImages):
            continue
        try:
            with candidate.blamed():
                taker.inspect(name)
        except ImageNotFound:
            parent = kit.settings.cache / "tmp"
            parent.mkdir(parents=True, exist_ok=True)
            import tempfile  # noqa: PLC0415 - as above

            with tempfile.TemporaryDirectory(prefix="layout-", dir=parent) as folder:
                from cog_oci.docker_archive import write_archive  # noqa: PLC0415 - slow, and most builds need none

                archive = Path(folder) / "image.tar"
                with archive.open("wb") as file:
                    write_archive(layout, image, file, names=[Reference.parse(name)])
                with candidate.blamed():
                    taker.load(archive)
        return name, candidate.info.name
    raise BackendUnavailable(
        f"nobody here can run the image in {path}", hint="`cog backends` says what each backend needs."
    )


def cannot_run(name: str, kit: Tools) -> BackendUnavailable:
    """Return the error that says who else runs images here."""
    able = [c.info.name for c in candidates(kit.plugins, kit.settings, also=RUNNING) if c.able]
    return BackendUnavailable(
        f"the backend {name} builds images and cannot run them",
        hint=f"Use --backend {' or --backend '.join(able)} to run one."
        if able
        else "`cog backends` says what the others need.",
    )


def find_or_pull(
    reference: str, kit: Tools, *, backend: str | None = None, to_run: bool = False, on_event: Emit = ignore
) -> tuple[str, ImageInfo]:
    """Return the name of the backend that has an image, fetching it from its registry when nobody has it yet.

    Raises:
        ImageNotFound: Nobody has it, the registry neither.
        RegistryError: The registry refused, or is out of reach.
    """
    try:
        return find_image(reference, kit, backend=backend, to_run=to_run)
    except ImageNotFound as error:
        for candidate in candidates(kit.plugins, kit.settings, only=backend or kit.settings.backend):
            if to_run and not candidate.runner:
                continue
            if candidate.probe.usable and isinstance(candidate.backend, PullsImages):
                try:
                    with candidate.blamed(on_event) as emit:
                        candidate.backend.pull(reference, emit)
                except CogError as reason:
                    reason.message = f"{error.message}, and it cannot be pulled: {reason.message}"
                    reason.hint = error.hint
                    raise
                return find_image(reference, kit, backend=candidate.info.name)
        raise
