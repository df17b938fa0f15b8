"""Where an image is, and which engine takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from cog_core import process
from cog_core.backend import BackendInfo, BuildRequest, ImageInfo, Probe
from cog_core.errors import BackendUnavailable, ImageNotFound
from cog_core.image_store import ImageStore
from cog_core.loading import where_it_goes, where_it_is
from cog_core.settings import Settings
from cog_core.tools import Tools
from cog_oci.images import write_image
from tests.unit.plugins.kit import plugins

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.events import Emit


class Embedded(ImageStore):
    """Keeps images in the embedded store, and has all that a store can do."""

    def probe(self) -> Probe:
        return Probe(usable=True, reason="built in")

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        raise NotImplementedError


class ExportsOnly:
    """Keeps images there, too, and takes none."""

    def __init__(self, settings: Settings) -> None:
        store = Embedded(settings, process.run)
        self.probe, self.build, self.inspect, self.export = store.probe, store.build, store.inspect, store.export


@attrs.frozen
class Engine:
    """Has a store of its own; it takes images and exports them, as podman does."""

    names: frozenset[str] = frozenset()
    usable: bool = True

    def probe(self) -> Probe:
        return Probe(usable=self.usable, reason="answers or not")

    def build(self, request: BuildRequest, emit: Emit) -> ImageInfo:
        raise NotImplementedError

    def inspect(self, reference: str) -> ImageInfo:
        if reference not in self.names:
            raise ImageNotFound(f"there is no image {reference}")
        return ImageInfo(image_id="sha256:1", location="/var/lib/engine")

    def load(self, archive: Path) -> None:
        raise NotImplementedError

    def export(self, reference: str, archive: Path) -> None:
        raise NotImplementedError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environ({"HOME": str(tmp_path), "COG_CACHE_DIR": str(tmp_path / "cache")})


@pytest.fixture
def stored(settings: Settings) -> str:
    """Put an image into the embedded store."""
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    write_image(ImageStore(settings, process.run).layout, config, [], name="ours:1")
    return "ours:1"


def kit(settings: Settings, **engines: Engine) -> Tools:
    loaders = {
        "oci": lambda settings: Embedded(settings, process.run),
        "buildkit": ExportsOnly,
        **{name: lambda _, engine=engine: engine for name, engine in engines.items()},
    }
    backends = tuple(
        BackendInfo(name=name, summary=name, capabilities=frozenset(), load=load) for name, load in loaders.items()
    )
    return Tools(settings=settings, plugins=plugins(backends=backends), run=process.run)


def test_an_engine_that_exports_takes_images_all_the_same(settings: Settings, stored: str) -> None:
    tools = kit(settings, podman=Engine())

    holder = where_it_is(stored, tools)

    assert (holder.name, holder.is_engine) == ("buildkit", False)
    assert where_it_goes(stored, tools)[0].info.name == "podman"


def test_the_first_engine_that_answers_takes_it_also_when_it_has_one_of_that_name(
    settings: Settings, stored: str
) -> None:
    old = Engine(names=frozenset({stored}))

    assert where_it_goes(stored, kit(settings, docker=old, podman=Engine()))[0].info.name == "docker"
    assert where_it_goes(stored, kit(settings, docker=Engine(usable=False), podman=old))[0].info.name == "podman"
    assert (
        where_it_goes(stored, kit(settings, docker=Engine(), podman=Engine()), only="podman")[0].info.name == "podman"
    )


def test_the_embedded_store_comes_before_an_engine_that_has_the_name(settings: Settings, stored: str) -> None:
    tools = kit(settings, podman=Engine(names=frozenset({stored})))

    assert where_it_is(stored, tools).name == "buildkit"
    assert where_it_is(stored, tools, only="oci").is_engine is False


def test_what_an_engine_built_is_in_an_engine(settings: Settings) -> None:
    tools = kit(settings, docker=Engine(), podman=Engine(names=frozenset({"theirs"})))

    for only in (None, "podman"):
        holder = where_it_is("theirs", tools, only=only)
        assert (holder.name, holder.is_engine) == ("podman", True)


def test_the_embedded_store_is_no_engine(settings: Settings, stored: str) -> None:
    with pytest.raises(BackendUnavailable, match="no engine answers"):
        where_it_goes(stored, kit(settings, podman=Engine(usable=False)))


def test_what_nobody_has_is_not_found(settings: Settings) -> None:
    with pytest.raises(ImageNotFound, match="'nothing'"):
        where_it_is("nothing", kit(settings, podman=Engine()))
