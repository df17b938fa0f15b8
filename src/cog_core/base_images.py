"""Base images: fetched from wherever they are, and searched for their Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cog_core.errors import BackendError, UnsupportedPlan
from cog_core.values import PythonLayout, PythonVersion
from cog_oci import image_config
from cog_oci.errors import OciError
from cog_oci.images import copy_image
from cog_oci.layout import Layout
from cog_oci.platform import Platform as OciPlatform
from cog_oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_core.values import Platform
    from cog_oci.layout import Image
    from cog_oci.tree import Tree

_PYTHON: Final = re.compile(r"python(3\.\d+)")


def fetch_base(
    reference: str,
    platform: Platform,
    layout: Layout,
    *,
    settings: Settings,
    run: Runner,
    progress: Callable[[int, int], None],
    anew: bool = False,
) -> Image:
    """Bring a base image into a layout.

    Args:
        reference: ``oci:DIR[:TAG]``, ``docker-archive:FILE``, or a name that is in the layout or in a registry.
        platform: What it has to run on.
        layout: Where it goes.
        settings: Reach the registry.
        run: Starts credential helpers.
        progress: Called with the bytes that are done and the bytes of all.
        anew: Fetch it although the layout has it.

    Raises:
        OciError: It cannot be had, or is damaged; :func:`cog_core.image_failures.mapped` makes ours of it.
        BackendError: An archive holds no single image.
        UnsupportedPlan: It is for another platform.
    """
    wanted = OciPlatform(platform.os, platform.architecture, platform.variant)
    image = _of_disk(reference, layout, wanted, settings.cache / "tmp")
    other: Image | None = None
    if image is None:
        name = Reference.parse(reference)
        other = _known(name, layout, wanted)
        image = None if anew or other is None or not _is_for(other, wanted) else other
    if image is None:
        from cog_core.registries import registry_client  # noqa: PLC0415 - most bases are here already
        from cog_oci.pull import pull  # noqa: PLC0415 - as above

        try:
            with registry_client(settings, run) as client:
                image = pull(client, name, layout, platform=wanted, progress=progress)
        except OciError as error:
            if other is None or _is_for(other, wanted):
                raise
            raise _for_another(reference, other, platform, f"; no other can be fetched: {error.message}") from error
    if not _is_for(image, wanted):
        raise _for_another(reference, image, platform)
    return image


def _for_another(reference: str, image: Image, platform: Platform, why: str = "") -> UnsupportedPlan:
    found = image_config.platform(image.config)
    return UnsupportedPlan(
        f"the base image {reference} is for {found}, and the build is for {platform}{why}",
        hint="Name a base for that platform, or another --platform.",
    )


def _of_disk(reference: str, layout: Layout, wanted: OciPlatform, scratch: Path) -> Image | None:
    kind, _, place = reference.partition(":")
    if kind == "oci":
        folder, _, name = place.partition(":")
        return copy_image(Layout.open(Path(folder)), name or None, layout, platform=wanted)
    return _of_archive(Path(place), layout, wanted, scratch) if kind == "docker-archive" else None


def _known(name: Reference, layout: Layout, wanted: OciPlatform) -> Image | None:
    """Return the image of this name that is here, even if it is for another platform."""
    return layout.image(name, wanted) if any(known == str(name) for known, _ in layout.images()) else None


def _of_archive(archive: Path, layout: Layout, wanted: OciPlatform, parent: Path) -> Image:
    from cog_oci.archive_import import read_archive  # noqa: PLC0415 - slow, and most builds need none

    parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # noqa: PLC0415 - slow to load, and most bases need none

    with tempfile.TemporaryDirectory(prefix="archive-", dir=parent) as folder:
        found = read_archive(archive, Layout.create(Path(folder) / "layout"))
        if len(found) != 1:
            raise BackendError(f"{archive} holds {len(found)} images", hint="Save one image into it.")
        return copy_image(Layout.open(Path(folder) / "layout"), found[0].descriptor, layout, platform=wanted)


def _is_for(image: Image, platform: OciPlatform) -> bool:
    found = image_config.platform(image.config)
    same_variant = not (found.variant and platform.variant) or found.variant == platform.variant
    return (found.os, found.architecture) == (platform.os, platform.architecture) and same_variant


def find_python(tree: Tree, reference: str, wanted: PythonVersion | None) -> PythonLayout:
    """Return where an image keeps Python, by the places that Debian and the official images use.

    Raises:
        UnsupportedPlan: It has none, or another version than was wanted.
    """
    musl = any(name.startswith("ld-musl-") for name in tree.names("lib")) if "lib" in tree else False
    found: dict[str, PythonLayout] = {}
    for folder, library in (("usr/local/bin", "usr/local/lib"), ("usr/bin", "usr/lib")):
        for name in tree.names(folder) if folder in tree else ():
            if match := _PYTHON.fullmatch(name):
                series = match.group(1)
                found.setdefault(series, _layout(PythonVersion.parse(series), folder, library, tree, musl=musl))
    if wanted is not None and wanted.series in found:
        return found[wanted.series]
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    has = f"it has {', '.join(found)}" if found else "it has no Python in /usr/local/bin or /usr/bin"
    raise UnsupportedPlan(
        f"the base image {reference} has no Python {wanted or ''}".rstrip() + f": {has}",
        hint="Name another base, or correct python_version.",
    )


def _layout(version: PythonVersion, folder: str, library: str, tree: Tree, *, musl: bool) -> PythonLayout:
    local = f"usr/local/lib/python{version.series}"
    is_debian = f"{local}/dist-packages" in tree or (library == "usr/lib" and "etc/debian_version" in tree)
    purelib = (
        f"/{local}/dist-packages"
        if is_debian and library == "usr/lib"
        else f"/{library}/python{version.series}/site-packages"
    )
    return PythonLayout(
        version=version,
        interpreter=f"/{folder}/python{version.series}",
        purelib=purelib,
        libc="musl" if musl else "glibc",
    )
