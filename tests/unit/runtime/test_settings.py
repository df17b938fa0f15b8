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


LEVELS = [
    ({}, 20),
    ({"COG_LOG_LEVEL": "Debug"}, 10),
    ({"COG_LOG_LEVEL": "warn"}, 30),
    ({"COG_LOG_LEVEL": "error", "RUST_LOG": "trace"}, 40),
    ({"RUST_LOG": "warn"}, 30),
    ({"RUST_LOG": "off"}, 50),
    ({"RUST_LOG": "info,coglet=debug"}, 10),
    ({"RUST_LOG": "coglet=error, hyper=trace"}, 40),
    ({"RUST_LOG": "hyper=trace,error"}, 40),
]


@pytest.mark.parametrize(("variables", "level"), LEVELS)
def test_the_level_of_the_log_is_the_one_that_was_meant(variables, level):
    settings = read([], {**MODEL, **variables})
    assert (settings.log_level, settings.warnings) == (level, ())


@pytest.mark.parametrize("variables", [{"COG_LOG_LEVEL": "loud"}, {"RUST_LOG": "hyper=trace"}, {"RUST_LOG": "loud"}])
def test_a_level_that_is_none_is_ignored_with_a_warning(variables):
    settings = read([], {**MODEL, **variables})
    assert settings.log_level == 20
    assert len(settings.warnings) == 1


def test_the_number_of_slots_is_the_models_where_none_is_set():
    for value in ("0", "", "many"):
        assert read([], {**MODEL, "COG_MAX_CONCURRENCY": value}).slots is None


SAMPLERS = [
    ({}, None),
    ({"OTEL_SERVICE_NAME": "x"}, None),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "TRUE"}, None),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, None),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, (True, False, True, True)),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, (True, False, True, True)),
    ({"OTEL_TRACES_EXPORTER": "console"}, (True, False, True, True)),
    ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "always_on"}, (True, True, True, True)),
    ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "always_off"}, (False, False, False, False)),
    ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "parentbased_always_off"}, (True, False, False, False)),
    (
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
        (True, True, True, False),
    ),
    (
        {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5",
        },
        (True, False, True, False),
    ),
]


@pytest.mark.parametrize(("variables", "answers"), SAMPLERS)
def test_samplers_decide_as_opentelemetry_describes_them(variables, answers):
    settings = read([], {**MODEL, **variables})
    assert settings.warnings == ()
    choose = settings.sampler
    low, high = 1, (1 << 64) - 1
    found = choose and (choose(low, True), choose(low, False), choose(low, None), choose(high, None))
    assert found == answers


def test_a_sampler_that_is_not_known_is_ignored_with_a_warning():
    traced = {**MODEL, "OTEL_TRACES_EXPORTER": "otlp"}
    unknown = read([], {**traced, "OTEL_TRACES_SAMPLER": "jaeger_remote"})
    assert unknown.sampler is not None
    assert unknown.sampler(1, None)
    wrong = read([], {**traced, "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"})
    assert [len(each.warnings) for each in (unknown, wrong)] == [1, 1]
