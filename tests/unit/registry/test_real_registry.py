"""The client against the registry that others run."""

from __future__ import annotations

import attrs
import pytest

from cog_oci.compress import CompressedLayers
from cog_oci.credentials import Login
from cog_oci.errors import NotFound, Unauthorized
from cog_oci.pull import pull
from cog_oci.push import push
from cog_oci.reference import Reference
from cog_oci.uploads import Pace
from tests.unit.oci_formats import kit

pytestmark = pytest.mark.engine("registry")


@pytest.mark.parametrize("pace", [Pace(), Pace(part=100_000, whole_up_to=200_000)])
def test_an_image_goes_there_and_comes_back(oci_registry, layout, image, target, tmp_path, pace):  # noqa: PLR0917  all are fixtures
    reference = Reference.parse(f"{oci_registry.address}/me/model:1")
    cache = CompressedLayers(tmp_path / "compressed")

    with kit.client_for() as client:
        sent = push(client, layout, image, reference, tags=["2"], pace=pace)
        small = push(client, layout, image, reference.with_tag("small"), compressed=cache)
        other = attrs.evolve(reference, repository="me/other")
        push(client, layout, image, other, mount_from=["me/model"])
        pulled = pull(client, reference, target)

        assert sorted(client.tags(reference)) == ["1", "2", "small"]
        assert client.resolve(reference) == client.resolve(other) == sent
        assert client.resolve(reference.with_tag("small")) == small
        with pytest.raises(NotFound):
            client.manifest(reference.with_tag("3"))
    assert (pulled.manifest, pulled.config) == (image.manifest, image.config)


def test_a_login_is_needed_and_enough(oci_registry_with_login, layout, image):
    there = oci_registry_with_login
    reference = Reference.parse(f"{there.address}/me/model:1")

    with kit.client_for() as client, pytest.raises(Unauthorized):
        push(client, layout, image, reference)
    with kit.client_for(lambda *_: Login(there.user, there.password)) as client:
        client.check_login(there.address)
        assert push(client, layout, image, reference).digest == image.descriptor.digest
