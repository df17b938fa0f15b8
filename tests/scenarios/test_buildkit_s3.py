"""Servers that come and go share their cache by an object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_core.caches import Cache
from cog_core.errors import CogError
from cog_core.events import StepFinished, Warned
from cog_core.ir import Run
from tests.contract.small_base import SmallBase, make
from tests.engines import s3
from tests.scenarios.buildkitd import kit_at, serve

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.events import Event
    from tests.engines.s3 import RunningS3

pytestmark = [
    *(pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.engine("buildkit", "s3")),
    pytest.mark.usefixtures("buildkit_engine"),
]

_RANDOM = Run(script="mkdir /kit; cat /proc/sys/kernel/random/uuid > /kit/id")
_ID, _SECRET = "AN-ID-THAT-GOES-WITH-IT", "a-secret-access-key-of-a-team"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    return make(tmp_path_factory.mktemp("base"))


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"unix://{tmp_path}/buildkitd.sock"


def test_a_cache_in_an_object_store_serves_a_server_that_knows_nothing(
    base: SmallBase, s3_server: RunningS3, tmp_path: Path, address: str
) -> None:
    """The servers have the credentials; whoever builds needs none."""
    credentials = {"AWS_ACCESS_KEY_ID": _ID, "AWS_SECRET_ACCESS_KEY": _SECRET}
    with serve(tmp_path / "one", address, **credentials):
        kit = kit_at(base, tmp_path, BUILDKIT_HOST=address)
        first = kit.build(_RANDOM, cache_to=(Cache.parse(s3_server.cache("digits", mode="max")),))
    with serve(tmp_path / "two", address, **credentials):
        # As a team has it: the variables are everybody's.
        kit = kit_at(base, tmp_path, BUILDKIT_HOST=address, COG_BUILDKIT_CACHE_FROM=f"'{s3_server.cache('digits')}'")
        second = kit.build(_RANDOM)

    assert first.read("id") == second.read("id")
    assert [event for event in second.events if isinstance(event, StepFinished) and event.cached]
    assert not [event for event in (*first.events, *second.events) if isinstance(event, Warned)]
    assert f"PUT /{s3.BUCKET}/manifests/digits" in s3_server.log.read_text("utf-8")


def test_credentials_that_travel_are_warned_of_and_shown_nowhere(
    base: SmallBase, s3_server: RunningS3, tmp_path: Path, address: str
) -> None:
    """In no event, no message and no error; what is left is the command line of ``buildctl``."""
    heard: list[Event] = []
    named = {"access_key_id": _ID, "secret_access_key": _SECRET}
    there, nowhere = (s3_server.cache("digits", **named, bucket=name) for name in (s3.BUCKET, "missing"))
    with serve(tmp_path / "one", address):
        kit = kit_at(base, tmp_path, BUILDKIT_HOST=address)
        kit.build(_RANDOM, cache_to=(Cache.parse(there),), emit=heard.append)
        with pytest.raises(CogError, match="NoSuchBucket") as caught:
            kit.build(_RANDOM, cache_to=(Cache.parse(nowhere),), emit=heard.append)

    warnings = [event for event in heard if isinstance(event, Warned)]
    assert len(warnings) == 2
    assert "environment of buildkitd" in (warnings[0].hint or "")
    shown = repr((heard, caught.value.message, caught.value.hint, getattr(caught.value, "output", ())))
    assert _SECRET not in shown
    assert _ID not in shown
