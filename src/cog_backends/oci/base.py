"""What an image stands on: Debian packages, an image from a registry, or one that lies in a folder or an archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from cog_backends.oci.chosen import Chosen, recall, remember
from cog_backends.oci.debian.sources import find_mirrors
from cog_backends.oci.store import StoredLayer
from cog_core.base_images import fetch_base, find_python
from cog_core.clock import now
from cog_core.errors import BackendError, RegistryError
from cog_core.events import Noted, StepProgress
from cog_core.image_failures import mapped
from cog_core.ir import ImageBase, PythonBase
from cog_core.values import EPOCH, PythonLayout, PythonVersion
from cog_oci import image_config
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_backends.oci.debian.base import BasePlan
    from cog_backends.oci.debian.doors import Doors
    from cog_backends.oci.debian.sources import Mirror
    from cog_backends.oci.store import Store
    from cog_core.events import Emit, Event
    from cog_core.process import Runner
    from cog_core.settings import Settings
    from cog_core.values import Platform
    from cog_oci.layout import Image

STEP: Final = "base"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@attrs.frozen(kw_only=True)
class Base(Frozen):
    """A base in the store.

    Attributes:
        layers: Lowest first.
        config: How the base says containers are started; steps add to it.
        layout: Where its Python is.
        is_ours: It was made here of packages whose signatures were checked, so that its programs may run here.
        debian: What it was made of, when it was made of Debian packages and more are to be added.
    """

    layers: tuple[StoredLayer, ...]
    config: Mapping[str, Any]
    layout: PythonLayout
    debian: BasePlan | None = None
    is_ours: bool = False


@attrs.frozen(kw_only=True)
class Bases(Frozen):
    """Where bases come from.

    Attributes:
        store: Where they go.
        authorities: PEM text of certificate authorities to trust besides the machine's own.
        no_cache: Make or fetch bases anew.
        root: Root folder of the machine whose apt configuration counts.
    """

    store: Store
    settings: Settings
    run: Runner
    authorities: str | None = None
    no_cache: bool = False
    root: Path = Path("/")

    def of_plan(
        self, base: PythonBase | ImageBase, platform: Platform, emit: Emit, *, extended: bool = False
    ) -> Base:
        """Return the base that a plan asks for, making or fetching it when the store has none.

        Args:
            base: What is asked for.
            platform: What the image is for.
            emit: Hears what happens.
            extended: System packages will be added.

        Raises:
            BackendError: It cannot be had.
        """
        match base:
            case PythonBase(version=version):
                return self._of_python(version, platform, emit, extended=extended)
            case ImageBase(reference=reference, python=python):
                with mapped():
                    image = self._image(reference, platform, emit)
                    return self._of_image(image, reference, python)

    def doors(self, emit: Emit, step: str = STEP) -> Doors:
        """Return what making things of Debian packages needs."""
        from cog_backends.oci.debian.doors import Doors  # noqa: PLC0415 - most builds find their base in the store

        return Doors.of_settings(self.settings, root=self.root, authorities=self.authorities, emit=emit, step=step)

    def _of_python(self, version: PythonVersion, platform: Platform, emit: Emit, *, extended: bool) -> Base:
        """Make the base of Debian packages when Debian has this Python, else take the official image."""
        mirrors = find_mirrors(self.settings, root=self.root)
        question = (str(version), str(platform), *(site for mirror in mirrors for site in _sites(mirror)))
        if not (extended or self.no_cache) and (known := self._known(question)):
            return known
        from cog_backends.oci.debian.base import CODENAMES  # noqa: PLC0415 - as above

        if version.series in CODENAMES and mirrors and version.patch is None:
            return self._of_debian(version, platform, mirrors, question, emit)
        reference = f"python:{version}-slim"
        try:
            with mapped():
                return self._of_image(self._image(reference, platform, emit), reference, version)
        except RegistryError as error:
            why = "this machine knows no Debian mirror" if not mirrors else f"Debian has no Python {version}"
            raise BackendError(
                f"no base with Python {version}: {why}, and {reference} cannot be had: {error.message}",
                hint=f"Without a registry, python_version can be {', '.join(CODENAMES)}"
                + ("" if mirrors else ", with COG_DEBIAN_MIRROR set to a Debian mirror")
                + "; or name a base that you have: --base-image oci:DIR or docker-archive:FILE.",
            ) from error

    def _known(self, question: tuple[str, ...]) -> Base | None:
        """Return the base that was made for the same question, if that is still the answer."""
        chosen = recall(self.store, question, now=now())
        layer = self.store.layer(chosen.key) if chosen else None
        return _of_layer(layer, chosen) if layer and chosen else None

    def _of_debian(
        self,
        version: PythonVersion,
        platform: Platform,
        mirrors: tuple[Mirror, ...],
        question: tuple[str, ...],
        emit: Emit,
    ) -> Base:
        from cog_backends.oci.debian.base import lay_out, plan_base  # noqa: PLC0415 - as above
        from cog_backends.oci.debian.lists import FRESH  # noqa: PLC0415 - as above

        remarks: list[Event] = []

        def watch(event: Event) -> None:
            remarks.extend([event] if isinstance(event, Noted) else [])
            emit(event)

        doors = self.doors(watch)
        plan = plan_base(version, platform, mirrors=mirrors, doors=doors)
        key = ("debian", plan.key)
        layer = None if self.no_cache else self.store.layer(key)
        if layer is None:
            layer = self.store.make_layer(lay_out(plan, doors).entries, mtime=EPOCH, key=key)
        created_by = f"Debian {plan.codename}, {len(plan.packages)} packages"
        chosen = Chosen(key=key, created_by=created_by, layout=plan.layout)
        if not remarks:  # what was assumed for the user has to be said each time
            remember(self.store, question, chosen, now=now(), lifetime=FRESH)
        return attrs.evolve(_of_layer(layer, chosen), debian=plan)

    def _image(self, reference: str, platform: Platform, emit: Emit) -> Image:
        def progress(done: int, total: int) -> None:
            emit(StepProgress(id=STEP, what=reference, done=done, total=total))

        return fetch_base(
            reference,
            platform,
            self.store.layout,
            settings=self.settings,
            run=self.run,
            progress=progress,
            anew=self.no_cache,
        )

    def _of_image(self, image: Image, reference: str, python: PythonVersion | None) -> Base:
        from cog_oci.tree import read_tree  # noqa: PLC0415 - slow to load, and the answer is remembered

        layers = tuple(
            StoredLayer(descriptor=descriptor, diff_id=diff_id, created_by=f"base {reference}", cached=True)
            for descriptor, diff_id in zip(image.manifest.as_oci().layers, image.diff_ids, strict=True)
        )
        layout = find_python(read_tree(self.store.layout, image), reference, python)
        return Base(layers=layers, config=image_config.run_config(image.config), layout=layout)


def _sites(mirror: Mirror) -> tuple[str, ...]:
    return (mirror.archive, mirror.updates or "", mirror.security or "")


def _of_layer(layer: StoredLayer, chosen: Chosen) -> Base:
    config = {"Env": [f"PATH={_PATH}", "LANG=C.UTF-8"], "Cmd": ["python3"]}
    return Base(
        layers=(attrs.evolve(layer, created_by=chosen.created_by),), config=config, layout=chosen.layout, is_ours=True
    )
