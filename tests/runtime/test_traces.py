"""Traces: what a collector hears of requests."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime import tracing
from tests.runtime.receiver import Receiver
from tests.runtime.serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.serving import Server, Servers

SOURCE = """
    import time
    from cog import Path

    class Runner:
        def run(self, seconds: float = 0.0, file: Path | None = None) -> Path:
            time.sleep(seconds)
            if seconds == 0.125:
                raise ValueError("no such luck")
            with open("out.txt", "w") as target:
                target.write(file.read_text() if file else "nothing")
            return Path("out.txt")
    """
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{CALLER}-01"
SERVER, CLIENT, INTERNAL = 2, 3, 1


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("packages")
    tracing.link_packages(folder)
    # The model's own versions of what the server needs, which it must never see.
    for name in ("starlette", "uvicorn", "orjson", "uvloop", "anyio", "click"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not yours')")
    return str(folder)


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.end()


def variables(packages: str, collector: Receiver, **more: str) -> dict[str, str]:
    return {
        "PYTHONPATH": packages,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url("").rstrip("/"),
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "COG_DOWNLOAD_ALLOW": "127.0.0.1",
        **more,
    }


@pytest.fixture(scope="module")
def traced(keep: Servers, packages: str, collector: Receiver) -> Server:
    named = {"OTEL_SERVICE_NAME": "painter", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}
    uploads = collector.url("/up")
    return keep(SOURCE, "--upload-url", uploads, **variables(packages, collector, **named), COG_QUEUE="4")


@pytest.fixture
def heard(collector: Receiver) -> Receiver:
    time.sleep(0.3)
    collector.heard.clear()
    return collector


def test_a_request_is_a_tree_of_spans(traced: Server, heard: Receiver) -> None:
    heard.files["/in.txt?signature=hush"] = b"content"
    body = {
        "id": "p1",
        "input": {"file": heard.url("/in.txt?signature=hush"), "seconds": 0.05},
        "webhook": heard.url("/hook/hush"),
        "webhook_events_filter": ["completed"],
    }
    reply = traced.request(
        "POST", "/predictions", body, traceparent=SAMPLED, tracestate="vendor=1", X_Request_ID="r1"
    )
    assert reply.json()["status"] == "succeeded", reply.json()
    found = tracing.wait_for(heard, "POST /predictions", "prediction", "download", "upload", "webhook")
    request, prediction = found["POST /predictions"], found["prediction"]
    assert "queue" not in found
    assert {each.trace for each in found.values()} == {TRACE}
    assert {each.state for each in found.values()} == {"vendor=1"}
    assert {each.failed for each in found.values()} == {False}
    assert (request.parent, request.kind) == (CALLER, SERVER)
    assert request.attributes == {
        "http.request.method": "POST",
        "url.path": "/predictions",
        "http.response.status_code": 200,
        "cog.request.id": "r1",
    }
    assert (prediction.parent, prediction.kind) == (request.id, INTERNAL)
    assert prediction.attributes == {"cog.prediction.id": "p1", "cog.prediction.status": "succeeded"}
    assert {found[name].parent for name in ("download", "upload")} == {prediction.id}
    assert found["webhook"].parent == request.id
    for name in ("download", "upload", "webhook"):
        assert found[name].kind == CLIENT
    assert found["download"].attributes["server.port"] == heard.server_port
    assert prediction.end - prediction.begin >= 50_000_000
    for inner in ("download", "upload"):
        assert prediction.begin <= found[inner].begin < found[inner].end <= prediction.end
    assert request.begin <= prediction.begin < prediction.end <= request.end
    assert {"service.name": "painter", "deployment.environment": "test"}.items() <= request.resource.items()
    assert not any("hush" in tracing.as_json(each) for each in found.values())
    hook = next(each for each in heard.heard if each.path == "/hook/hush")
    assert hook.headers["traceparent"] == f"00-{TRACE}-{found['webhook'].id}-01"
    assert hook.headers["tracestate"] == "vendor=1"


def test_the_wait_for_a_slot_is_a_span(traced: Server, heard: Receiver) -> None:
    first = traced.later(seconds=0.4)
    traced.wait_for("BUSY")
    traced.request("PUT", "/predictions/second", {"input": {}})
    assert first.result["status"] == "succeeded"
    found = tracing.wait_for(heard, "PUT /predictions/{id}", "queue")
    request, queue = found["PUT /predictions/{id}"], found["queue"]
    assert (queue.trace, queue.parent) == (request.trace, request.id)
    assert request.parent == ""
    assert queue.end - queue.begin > 50_000_000
    (prediction,) = (each for each in tracing.spans(heard) if each.parent == request.id and each.name == "prediction")
    assert abs(prediction.begin - queue.end) < 50_000_000


def test_what_fails_says_so(traced: Server, heard: Receiver) -> None:
    traced.request("POST", "/predictions", {"input": {"seconds": 0.125}})
    found = tracing.wait_for(heard, "prediction")
    assert found["prediction"].failed
    assert "no such luck" in found["prediction"].message
    traced.request("POST", "/predictions", {"input": {"file": heard.url("/missing.txt")}})
    found = tracing.wait_for(heard, "download")
    assert found["download"].failed


def test_a_caller_that_records_nothing_is_heeded(traced: Server, heard: Receiver) -> None:
    quiet = {"traceparent": SAMPLED[:-1] + "0"}
    traced.request("POST", "/predictions", {"webhook": heard.url("/quiet")}, **quiet)
    traced.request("GET", "/readyz")
    traced.request("POST", "/predictions", {}, traceparent="00-nonsense")
    found = tracing.wait_for(heard, "POST /predictions")
    assert TRACE not in {each.trace for each in tracing.spans(heard)}
    assert found["POST /predictions"].parent == ""
    assert not any("readyz" in each.name for each in found.values())
    hook = until(lambda: [each for each in heard.heard if each.path == "/quiet"])[0]
    assert hook.headers["traceparent"] == quiet["traceparent"]


def test_the_servers_process_loads_nothing_of_the_model(traced: Server) -> None:
    maps = Path(f"/proc/{traced.process.pid}/maps").read_text()
    assert "opentelemetry" not in maps
    assert "protobuf" not in maps
    assert "not yours" not in traced.log


def test_samplers_of_the_specification(serve: Servers, packages: str, collector: Receiver, heard: Receiver) -> None:
    off = serve(SOURCE, **variables(packages, collector, OTEL_TRACES_SAMPLER="always_off", OTEL_SERVICE_NAME="off"))
    ratio = serve(
        SOURCE,
        **variables(
            packages, collector, OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5"
        ),
    )
    off.request("POST", "/predictions", {}, traceparent=SAMPLED)
    for _ in range(60):
        ratio.request("POST", "/predictions", {})
    ratio.request("POST", "/predictions", {}, traceparent=SAMPLED)
    ratio.stop()
    off.stop()
    found = [each for each in tracing.spans(heard) if each.kind == SERVER]
    assert {each.resource["service.name"] for each in found} == {"cog"}
    assert TRACE in {each.trace for each in found}
    assert 5 < len(found) < 56


def test_spans_that_are_made_last_are_sent(
    serve: Servers, packages: str, collector: Receiver, heard: Receiver
) -> None:
    server = serve(SOURCE, **variables(packages, collector, OTEL_BSP_SCHEDULE_DELAY="60000"))
    server.request("POST", "/predictions", {}, traceparent=SAMPLED)
    server.stop()
    assert TRACE in {each.trace for each in tracing.spans(heard)}


QUIET: list[dict[str, Any]] = [
    {"OTEL_SDK_DISABLED": "true"},
    {"OTEL_TRACES_EXPORTER": "none"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
]


def test_without_the_variables_there_is_no_process_and_no_word(
    serve: Servers, packages: str, collector: Receiver, heard: Receiver
) -> None:
    for more in QUIET:
        server = serve(SOURCE, **variables(packages, collector, **more))
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 1
        server.request("POST", "/predictions", {}, traceparent=SAMPLED)
        assert server.stop() < 5
        assert "traces" not in server.log
    assert tracing.spans(heard) == []


def test_without_the_variables_nothing_about_traces_is_imported() -> None:
    code = (
        "import sys, cog_runtime.server.serve\n"
        "from cog_runtime.server.settings import read\n"
        "read([], {'COG_PREDICT_TYPE_STUB': 'predict.py:Runner'})\n"
        "print([name for name in sys.modules if 'trac' in name or 'sampling' in name or 'opentelemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ast.literal_eval(done.stdout)) <= {"traceback", "tracemalloc", "_tracemalloc"}


def test_packages_that_are_missing_are_named_once(serve: Servers, collector: Receiver) -> None:
    server = serve(SOURCE, **variables("", collector))
    until(lambda: "OpenTelemetry" in server.log, server)
    for _ in range(3):
        assert server.predict()["status"] == "succeeded"
    server.stop()
    (line,) = (each for each in server.log.splitlines() if "cog::traces" in each)
    assert "add opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http to python_requirements" in line
    assert '"level":"WARN"' in line


def test_a_collector_that_is_away_harms_nobody(serve: Servers, packages: str, collector: Receiver) -> None:
    away = variables(packages, collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    server = serve(SOURCE, **away, OTEL_EXPORTER_OTLP_TIMEOUT="1")
    for _ in range(5):
        assert server.predict()["status"] == "succeeded"
    until(lambda: "cog::traces" in server.log, server)
    server.stop()
