"""Checks of where images go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_core.backend import InspectsImages, ToDockerArchive, ToRegistry, ToStore
from cog_core.errors import ImageNotFound
from cog_core.ir import ImageConfig, Write
from cog_oci.archive_import import read_archive
from cog_oci.client import Client
from cog_oci.layout import Layout
from cog_oci.pull import pull
from cog_oci.reference import Reference
from cog_oci.transport import Transport

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

_STEP = Write(path="/kit/a", content="a")
_CONFIG = ImageConfig(labels=(("com.example.a", "b"),), cmd=("/bin/echo", "hello"))


class OutputChecks:
    """The same image arrives at every destination."""

    def test_the_store_keeps_the_image_under_its_name(self, kit: Kit) -> None:
        """And tells the same about it as the layout does."""
        built = kit.build(_STEP, config=_CONFIG, outputs=(ToStore(kit.tag),))
        assert any(kit.tag in name for name in built.info.references)
        if not isinstance(kit.backend, InspectsImages):
            pytest.skip("the backend does not inspect images")

        info = kit.backend.inspect(kit.tag)

        assert info.image_id == built.info.image_id == str(built.image.image_id)
        assert info.labels["com.example.a"] == "b"
        assert info.config["Cmd"] == ["/bin/echo", "hello"]

    def test_a_name_moves_to_the_newest_image(self, kit: Kit) -> None:
        """A second build under one name."""
        kit.build(_STEP, outputs=(ToStore(kit.tag),))
        second = kit.build(Write(path="/kit/a", content="second"), outputs=(ToStore(kit.tag),))
        if not isinstance(kit.backend, InspectsImages):
            pytest.skip("the backend does not inspect images")

        assert kit.backend.inspect(kit.tag).image_id == second.info.image_id

    def test_an_image_may_have_several_names(self, kit: Kit) -> None:
        """All of them mean the image."""
        if not isinstance(kit.backend, InspectsImages):
            pytest.skip("the backend does not inspect images")
        names = (f"{kit.tag}:one", f"{kit.tag}:two")

        built = kit.build(_STEP, outputs=tuple(map(ToStore, names)))

        assert {kit.backend.inspect(name).image_id for name in names} == {built.info.image_id}

    def test_an_unknown_image_is_not_found(self, kit: Kit) -> None:
        """By name and by id."""
        if not isinstance(kit.backend, InspectsImages):
            pytest.skip("the backend does not inspect images")

        for reference in (f"{kit.tag}-of-nobody:latest", f"sha256:{'0' * 64}"):
            with pytest.raises(ImageNotFound):
                kit.backend.inspect(reference)

    def test_an_archive_holds_the_image(self, kit: Kit) -> None:
        """As ``docker load`` reads it, under its name."""
        path = kit.folder / "image.tar"

        built = kit.build(_STEP, config=_CONFIG, outputs=(ToStore(kit.tag), ToDockerArchive(path)))

        layout = Layout.create(kit.folder / "read")
        (loaded,) = read_archive(path, layout)
        image = layout.image(loaded.descriptor)
        assert str(image.image_id) == built.info.image_id
        assert any(kit.tag in str(name) for name, _ in layout.images())

    def test_a_registry_gets_the_image(self, kit: Kit, registry: str) -> None:
        """Under its name, and the digest that comes back is the manifest's there."""
        reference = f"{registry}/{kit.tag}/model:v1"

        built = kit.build(_STEP, config=_CONFIG, outputs=(ToRegistry(reference),))

        with Transport() as transport:
            image = pull(Client(transport), Reference.parse(reference), Layout.create(kit.folder / "pulled"))
        assert str(image.descriptor.digest) == built.info.digest
        assert image.image_id == built.image.image_id
