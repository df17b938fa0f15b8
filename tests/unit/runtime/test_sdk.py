from __future__ import annotations

import io
import pickle
import subprocess
import sys
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cog
from cog._metrics import check_name
from cog._names import LONGEST, get_filename
from cog._scope import MetricRecorder, Scope
from cog.files import upload_file
from cog.json import make_encodeable, upload_files


def test_defaults_of_a_predictor_are_plain_values():
    class Runner(cog.BaseRunner):
        def run(self, name: str, times: int = cog.Input(default=2, ge=1), *, tone: str = cog.Input()) -> str:
            return f"{name}{tone}" * times

    assert Runner().run("x") == "xNonexNone"
    assert vars(Runner)["run"].__cog_fields__["times"].ge == 1


def test_predict_leads_to_run_with_a_warning():
    class Runner(cog.BaseRunner):
        def run(self, n: int) -> int:
            return n

    with pytest.warns(DeprecationWarning, match=r"Runner.predict\(\) is deprecated; use run\(\) instead"):
        assert Runner().predict(n=1) == 1


def test_a_default_factory_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"Use a literal default value instead: Input\(default=\[\]\)"):
        cog.Input(default_factory=list)


def test_models_of_output_are_dataclasses():
    class Inner(cog.BaseModel):
        a: int
        b: str = "x"

    class Outer(Inner):
        c: float = 0.5

    assert Outer(a=1) == Outer(1, "x", 0.5)

    class Bare(cog.BaseModel, auto_dataclass=False):
        a: int

    assert not hasattr(Bare, "__dataclass_fields__")
    with pytest.raises(ValueError, match="auto_dataclass"):
        type("Wrong", (cog.BaseModel,), {}, auto_dataclass=False, frozen=True)


@given(st.text(max_size=300), st.sampled_from(["", ".jpg", ".tar.gz"]))
def test_names_from_urls_are_safe_and_keep_their_extension(stem, extension):
    from urllib.parse import quote

    stem = stem.encode("utf-8", "ignore").decode()
    name = get_filename(f"https://example.com/some/{quote(stem, safe='')}{extension}?query=1")
    assert "/" not in name
    assert "\0" not in name
    assert len(name.encode()) <= LONGEST
    assert name.endswith(extension.rpartition(".")[2])


def test_paths_of_urls_are_converted_once_and_removed():
    path = cog.Path.validate("data:text/plain;base64,YWJj")
    assert isinstance(path, cog.URLPath)
    assert str(path).startswith("data:")
    local = path.convert()
    assert (local.read_text(), local.suffix) == ("abc", ".txt")
    assert path.convert() is local
    path.unlink()
    assert not local.exists()
    again = pickle.loads(pickle.dumps(path))
    assert (str(again), again.filename) == (str(path), path.filename)
    assert cog.Path.validate("/etc/hosts") == cog.Path("/etc/hosts")


def test_files_are_open_or_opened_later():
    assert cog.File.validate("data:,a%20b").read() == b"a b"
    handle = io.BytesIO()
    assert cog.File.validate(handle) is handle
    later = cog.File.validate("https://example.com/a.bin")
    assert isinstance(later, cog.URLFile)
    assert pickle.loads(pickle.dumps(later)).url == "https://example.com/a.bin"
    with pytest.raises(ValueError, match="'ftp' is not a valid URL scheme"):
        cog.File.validate("ftp://example.com/a")
    with pytest.raises(ValueError, match="URLFile requires URL to conform to HTTP or HTTPS protocol"):
        cog.URLFile("data:,x")


def test_secrets_show_asterisks():
    secret = cog.Secret("hidden")
    assert (str(secret), repr(secret), f"{secret}") == ("**********", "Secret(**********)", "**********")
    assert secret.get_secret_value() == "hidden"
    assert not str(cog.Secret())


def test_concurrent_checks_what_it_is_told():
    with pytest.raises(TypeError, match="must be an integer"):
        cog.concurrent(max="3")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="must be at least 1"):
        cog.concurrent(max=0)
    with pytest.raises(TypeError, match="requires an async function"):
        cog.concurrent(max=2)(lambda: None)
    with pytest.raises(TypeError, match="must be used as"):
        cog.concurrent(3)  # type: ignore[call-overload]

    @cog.streaming()
    @cog.streaming
    @cog.concurrent(max=2)
    async def run() -> None: ...

    assert run.__cog_concurrent_max__ == 2  # type: ignore[attr-defined]


def recorder() -> tuple[MetricRecorder, list[Any]]:
    told: list[Any] = []
    return MetricRecorder(lambda *metric: told.append(metric)), told


def test_metrics_are_told_with_their_mode():
    metrics, told = recorder()
    metrics.record("a.b", 1)
    metrics.record("a.b", 2.5, "incr")
    metrics.record("list", "x", mode="append")
    metrics["c"] = True
    del metrics["c"]
    metrics["c"] = "other type"
    assert told == [
        ("a.b", "replace", 1),
        ("a.b", "increment", 2.5),
        ("list", "append", "x"),
        ("c", "replace", True),
        ("c", "replace", None),
        ("c", "replace", "other type"),
    ]


def test_a_metric_keeps_its_type():
    metrics, _ = recorder()
    metrics.record("a", 1)
    with pytest.raises(TypeError, match="Metric 'a' has type int, cannot set to str without deleting first"):
        metrics.record("a", "x")
    with pytest.raises(TypeError, match="Unsupported metric value type: bytes"):
        metrics.record("b", b"x")
    with pytest.raises(TypeError, match="Increment mode requires int or float"):
        metrics.record("b", "x", "increment")
    with pytest.raises(ValueError, match="Invalid metric mode"):
        metrics.record("b", 1, "other")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predict_time", "'predict_time' is reserved by the runtime"),
        ("cog.x", "the 'cog.' prefix is reserved for system metrics"),
        ("", "metric name must not be empty"),
        ("a" * 129, r"128 characters or fewer \(got 129 characters\)"),
        ("a.b.c.d.e", r"at most 4 dot-separated segments \(got 5\)"),
        (".a", "must not start with a dot"),
        ("a.", "must not end with a dot"),
        ("a..b", "must not contain empty segments"),
        ("1a", "segment '1a' must start with a letter"),
        ("a__b", "must not contain consecutive underscores"),
        ("a-b", "contains invalid character '-'"),
        ("a_", "must end with a letter or digit"),
    ],
)
def test_names_of_metrics_have_rules(name, message):
    with pytest.raises(ValueError, match=message):
        check_name(name)


@given(st.text(max_size=20))
def test_a_name_is_allowed_or_a_value_error(name):
    try:
        check_name(name)
    except ValueError:
        return
    assert all(segment[0].isascii() and segment[0].isalpha() for segment in name.split("."))


def test_outside_of_predictions_the_scope_records_nothing(capsys):
    assert cog.current_scope().context == {}
    cog.current_scope().record_metric("a", 1)
    cog.emit_metric("a", 2)
    cog.emit_metric("a", 3)
    assert capsys.readouterr().err.count("deprecated") <= 1
    assert Scope({"a": "b"}).context == {"a": "b"}


def test_files_of_outputs_become_urls(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"abc")
    assert upload_files({"x": [path]}) == {"x": ["data:image/png;base64,YWJj"]}
    assert upload_file(io.BytesIO(b"abc")) == "data:application/octet-stream;base64,YWJj"
    assert make_encodeable({1: {2}, "p": path}) == {"1": [2], "p": path}


def test_warnings_of_experiments_are_future_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert issubclass(cog.ExperimentalFeatureWarning, FutureWarning)


def test_who_asks_for_the_warning_of_experiments_is_told_once():
    program = (
        "import cog\nfor _ in range(2): cog.ExperimentalFeatureWarning\nfrom cog import ExperimentalFeatureWarning"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    assert said == "cog.ExperimentalFeatureWarning is deprecated; nothing issues it any more\n"


def test_batch_checks_what_it_is_told():
    def listed(x):
        return x

    assert cog.batch(listed).__cog_batch__ == (8, 0.01)
    assert cog.batch()(listed).__cog_batch__ == (8, 0.01)
    assert cog.batch(max_size=3, window=1)(listed).__cog_batch__ == (3, 1.0)
    for arguments, error in [
        ({"max_size": "3"}, TypeError),
        ({"max_size": True}, TypeError),
        ({"max_size": 0}, ValueError),
        ({"window": "1"}, TypeError),
        ({"window": -1}, ValueError),
        ({"window": float("inf")}, ValueError),
        ({"window": float("nan")}, ValueError),
    ]:
        with pytest.raises(error, match="batch"):
            cog.batch(**arguments)
    with pytest.raises(TypeError, match="must be used as"):
        cog.batch(3)
    with pytest.raises(TypeError, match="cannot be a generator"):

        @cog.batch
        def run(x):
            yield x


def test_a_scope_of_a_batch_records_for_each():
    told = []
    scopes = [Scope({"n": str(n)}, lambda *said, n=n: told.append((n, *said))) for n in range(2)]

    def to_all(name, mode, value):
        for scope in scopes:
            scope.record_metric(name, value, mode)

    whole = Scope({}, to_all, scopes)
    whole.record_metric("a", 1, "increment")
    whole.batch[1].record_metric("b", "x")
    del whole.metrics["a"]
    assert told == [
        (0, "a", "increment", 1),
        (1, "a", "increment", 1),
        (1, "b", "replace", "x"),
        (0, "a", "replace", None),
        (1, "a", "replace", None),
    ]
    alone = Scope()
    assert alone.batch == (alone,)
