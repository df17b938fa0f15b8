"""Caches that everybody's variables name, and the credentials that some of them hold."""

from __future__ import annotations

import json

import attrs
import pytest

from cog_backends.buildkit.address import IMPORT_CACHE
from cog_backends.buildkit.backend import BuildkitBackend
from cog_backends.buildkit.build import of_environ
from cog_core.backend import BuildRequest, ToLayout
from cog_core.caches import Cache
from cog_core.context import BuildContext
from cog_core.errors import BackendError, UsageError
from cog_core.events import Warned
from cog_core.ir import BuildPlan, ImageBase, ImageConfig, Stage
from cog_core.ir.steps import PROJECT
from cog_core.settings import Settings
from cog_core.values import Platform
from tests.unit.buildkit.test_server import WORKERS, program

SECRET = "the-access-key-of-a-team"
HELD = f"type=s3,bucket=b,region=r,access_key_id=id-of-a-team,secret_access_key={SECRET}"


def test_several_caches_stand_side_by_side():
    found = of_environ({IMPORT_CACHE: "registry.example.com/c type=local,src=/c"}, IMPORT_CACHE)

    assert found == (Cache.parse("registry.example.com/c"), Cache.parse("type=local,src=/c"))
    assert of_environ({}, IMPORT_CACHE) == ()


def test_a_cache_that_is_none_is_told_with_its_variable():
    with pytest.raises(UsageError, match=f"{IMPORT_CACHE}: invalid cache"):
        of_environ({IMPORT_CACHE: "src=/c"}, IMPORT_CACHE)


@pytest.mark.parametrize("by_variable", [True, False])
def test_credentials_of_a_cache_are_in_no_event_and_no_error(tmp_path, by_variable):
    workers = f"case $* in *workers*) echo '{json.dumps(WORKERS)}'; exit;; esac"
    program(tmp_path, f'{workers}\nfor last; do :; done; echo "error: $last" >&2; exit 1')
    (tmp_path / "project").mkdir()
    environ = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "BUILDKIT_HOST": "tcp://b:1"}
    settings = Settings.from_environ(environ | ({IMPORT_CACHE: HELD} if by_variable else {}))
    request = BuildRequest(
        plan=BuildPlan(
            stage=Stage(base=ImageBase(reference="base"), steps=()), config=ImageConfig(), platform=Platform()
        ),
        contexts={PROJECT: BuildContext.of_project(tmp_path / "project")},
        outputs=(ToLayout(tmp_path / "layout"),),
        cache_to=() if by_variable else (Cache.parse(HELD),),
    )
    events = []

    with pytest.raises(BackendError) as caught:
        BuildkitBackend(attrs.evolve(settings, cache=tmp_path / "cache")).build(request, events.append)

    assert "secret_access_key" in caught.value.message
    assert SECRET not in repr((caught.value.message, caught.value.hint, events))
    assert [event for event in events if isinstance(event, Warned) and "command line" in event.message]
