"""The engine's socket is where Docker's own command line would look for it."""

from __future__ import annotations

import hashlib
import json

import pytest

from cog_backends.docker.contexts import context_name, socket_of
from cog_core.errors import BackendUnavailable
from cog_core.settings import Settings

USUAL = "/var/run/docker.sock"


def _settings(tmp_path, config=None, contexts=None, **environ):
    folder = tmp_path / ".docker"
    folder.mkdir()
    if config is not None:
        (folder / "config.json").write_text(config)
    for name, host in (contexts or {}).items():
        meta = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        meta.mkdir(parents=True)
        (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    return Settings.from_environ({"HOME": str(tmp_path), **environ})


@pytest.mark.parametrize(
    ("config", "environ", "name", "path"),
    [
        (None, {}, "default", USUAL),
        ("{}", {}, "default", USUAL),
        ("no json", {}, "default", USUAL),
        ('{"currentContext": "colima"}', {}, "colima", "/home/me/.colima/docker.sock"),
        ('{"currentContext": "far"}', {}, "far", None),
        ('{"currentContext": "far"}', {"DOCKER_CONTEXT": "colima"}, "colima", "/home/me/.colima/docker.sock"),
        ('{"currentContext": "far"}', {"DOCKER_CONTEXT": "default"}, "default", USUAL),
        ('{"currentContext": "far"}', {"DOCKER_HOST": "unix:///run/user/1/docker.sock"}, "default", None),
        (None, {"DOCKER_HOST": "tcp://engine:2376"}, "default", None),
        (None, {"DOCKER_HOST": "ssh://me@engine"}, "default", None),
        (None, {"DOCKER_HOST": "unix://relative.sock"}, "default", None),
    ],
)
def test_where_the_engine_is(tmp_path, config, environ, name, path):
    contexts = {"colima": "unix:///home/me/.colima/docker.sock", "far": "tcp://far:2376"}
    settings = _settings(tmp_path, config, contexts, **environ)
    host = environ.get("DOCKER_HOST", "")

    assert context_name(settings) == name
    assert socket_of(settings) == (host.removeprefix("unix://") if host.startswith("unix:///") else path)


def test_the_command_line_s_folder_may_be_another(tmp_path):
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')

    assert context_name(_settings(tmp_path, DOCKER_CONFIG=str(tmp_path))) == "colima"


def test_a_context_that_does_not_exist_is_no_reason_to_take_another_engine(tmp_path):
    settings = _settings(tmp_path, '{"currentContext": "gone"}')

    with pytest.raises(BackendUnavailable, match="there is no Docker context 'gone'"):
        socket_of(settings)
