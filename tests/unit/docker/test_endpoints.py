"""How the engine is reached: with a context's certificates or the variables', and never another engine instead."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cog_backends.docker.contexts import Endpoint, endpoint
from cog_core.errors import BackendUnavailable
from cog_core.settings import Settings

BUILDER = "tcp://builder:2376"


def settings(config: Path, **environ: str) -> Settings:
    return Settings.from_environ({"HOME": "/nonexistent", "DOCKER_CONFIG": str(config), **environ})


def make_context(config: Path, name: str, **fields: object) -> Path:
    """Make a context with certificates, and return their folder."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta, certificates = config / "contexts" / "meta" / digest, config / "contexts" / "tls" / digest / "docker"
    meta.mkdir(parents=True)
    certificates.mkdir(parents=True)
    endpoints = {"docker": {"Host": BUILDER, **fields}}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": endpoints}), "utf-8")
    return certificates


def test_the_variable_may_come_with_certificates(tmp_path: Path) -> None:
    assert endpoint(settings(tmp_path, DOCKER_HOST=BUILDER)) == Endpoint(BUILDER, verify=False)
    assert endpoint(settings(tmp_path, DOCKER_HOST=BUILDER, DOCKER_TLS_VERIFY="1")) == Endpoint(BUILDER, tmp_path)
    assert endpoint(settings(tmp_path, DOCKER_HOST=BUILDER, DOCKER_CERT_PATH="/certs")) == Endpoint(
        BUILDER, Path("/certs"), verify=False
    )


def test_a_context_brings_its_own(tmp_path: Path) -> None:
    certificates = make_context(tmp_path, "far")
    make_context(tmp_path, "lax", SkipTLSVerify=True)

    assert endpoint(settings(tmp_path, DOCKER_CONTEXT="far")) == Endpoint(BUILDER, certificates)
    assert not endpoint(settings(tmp_path, DOCKER_CONTEXT="lax")).verify


@pytest.mark.parametrize("how", ["variable", "file"])
def test_a_context_that_does_not_exist_is_an_error(tmp_path: Path, how: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "nobody"} if how == "file" else {}), "utf-8")
    environ = {"DOCKER_CONTEXT": "nobody"} if how == "variable" else {}

    with pytest.raises(BackendUnavailable) as caught:
        endpoint(settings(tmp_path, **environ))

    assert caught.value.message == "there is no Docker context 'nobody'"
