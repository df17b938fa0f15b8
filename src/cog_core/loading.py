"""From which store an image is loaded, and into which engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_core.backend import InspectsImages, LoadsImages
from cog_core.errors import BackendUnavailable, ImageNotFound
from cog_core.plugins import candidates
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.plugins import Candidate
    from cog_core.tools import Tools


@attrs.frozen(kw_only=True)
class Place(Frozen):
    """A backend that can be used here, as a place for one image.

    Attributes:
        candidate: The backend.
        has: It has the image.
        is_engine: It takes images, and keeps this one, if it has it, elsewhere than in the embedded store.
    """

    candidate: Candidate
    has: bool
    is_engine: bool

    @property
    def name(self) -> str:
        """Of the backend."""
        return self.candidate.info.name


def where_it_is(reference: str, kit: Tools, *, only: str | None = None) -> Place:
    """Return who has an image; the embedded store comes before engines.

    Raises:
        ImageNotFound: Nobody has it.
    """
    found = [place for place in _places(reference, kit, only) if place.has]
    if not found:
        raise ImageNotFound(f"there is no image {reference!r} that could be loaded", hint="`cog build` makes it.")
    return min(found, key=lambda place: place.is_engine)


def where_it_goes(reference: str, kit: Tools, *, only: str | None = None) -> tuple[Candidate, LoadsImages]:
    """Return the first engine, and what loads there.

    Raises:
        BackendUnavailable: No engine is here.
    """
    for place in _places(reference, kit, only):
        if place.is_engine and isinstance(place.candidate.backend, LoadsImages):
            return place.candidate, place.candidate.backend
    raise BackendUnavailable(
        "the image cannot be loaded: no engine answers", hint="`cog backends` says what is missing."
    )


def _places(reference: str, kit: Tools, only: str | None) -> Iterator[Place]:
    from cog_core.image_store import ImageStore  # noqa: PLC0415 - slow to load, and builds need none

    embedded = ImageStore(kit.settings, kit.run).location
    for candidate in candidates(kit.plugins, kit.settings, only=only):
        if candidate.probe.usable:
            location = _location(candidate, reference)
            yield Place(
                candidate=candidate,
                has=location is not None,
                is_engine=isinstance(candidate.backend, LoadsImages) and location != embedded,
            )


def _location(candidate: Candidate, reference: str) -> str | None:
    """Return where a backend has an image; None: nowhere, as far as it says."""
    backend: object = candidate.backend
    try:
        with candidate.blamed():
            return backend.inspect(reference).location if isinstance(backend, InspectsImages) else None
    except ImageNotFound:
        return None
