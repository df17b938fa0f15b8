from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cog_runtime.server.certificates import variables_for
from cog_runtime.server.settings import UsageError, read

MODEL = {"COG_PREDICT_TYPE_STUB": "predict.py:Runner"}
PEM = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"


def test_without_settings_upstreams_defaults_hold():
    settings = read([], MODEL)
    assert (settings.host, settings.port, settings.mode, settings.slots) == ("0.0.0.0", 5000, "predict", None)
    assert settings.schema == ("/opt/cog/model/openapi_schema.json", ".cog/openapi_schema.json")
    assert settings.warnings == ()


def test_the_option_wins_over_the_variable():
    environ = {**MODEL, "COG_HOST": "127.0.0.1", "PORT": "8000"}
    assert read([], environ).host == "127.0.0.1"
    settings = read(["--host", "::1", "--threads", "4", "--await-explicit-shutdown", "false"], environ)
    assert (settings.host, settings.port, settings.explicit_shutdown) == ("::1", 8000, False)
    assert read(["--await-explicit-shutdown", "True"], environ).explicit_shutdown is True


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf"])
def test_numbers_that_are_none_are_ignored_with_a_warning(value):
    settings = read([], {**MODEL, "COG_SETUP_TIMEOUT": value})
    assert settings.setup_timeout is None
    assert settings.warnings == (f"COG_SETUP_TIMEOUT is ignored: not a number of at least 0: {value!r}",)


def test_nothing_to_run_is_a_usage_error():
    with pytest.raises(UsageError, match="COG_TRAIN_TYPE_STUB environment variable is not set"):
        read(["--x-mode", "train"], MODEL)


@pytest.mark.parametrize("form", ["text", "base64", "file", "folder"])
def test_certificates_come_in_four_forms(tmp_path, monkeypatch, form):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    file = tmp_path / "certs" / "company.pem"
    file.parent.mkdir()
    file.write_text(PEM)
    given = {
        "text": PEM,
        "base64": base64.b64encode(PEM.encode()).decode(),
        "file": str(file),
        "folder": str(file.parent),
    }[form]
    variables = variables_for(given, {"REQUESTS_CA_BUNDLE": "/mine"})
    assert variables.keys() == {"SSL_CERT_FILE"}
    assert "abc" in Path(variables["SSL_CERT_FILE"]).read_text("utf-8")


def test_a_certificate_that_is_none_is_refused_without_showing_it():
    with pytest.raises(ValueError, match="COG_CA_CERT is neither a file, nor PEM, nor base64 of PEM") as raised:
        variables_for("hello", {})
    assert "hello" not in str(raised.value)
