"""What a stranger finds: the documents, unknown routes, and the command line."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.serving import Interpreter, Server, Servers

SOURCE = "class Runner:\n    def run(self, n: int) -> int:\n        return n\n"


@pytest.fixture(scope="module")
def plain(keep: Servers) -> Server:
    return keep(SOURCE)


def test_the_documents_are_served(serve: Servers, model_folder: Path) -> None:
    server = serve(SOURCE)
    index = server.get("/")
    assert index["predictions_url"] == "/predictions"
    assert index["predictions_cancel_url"] == "/predictions/{prediction_id}/cancel"
    assert index["cog_version"]
    stored = (model_folder / ".cog" / "openapi_schema.json").read_bytes()
    assert server.request("GET", index["openapi_url"]).body == stored
    page = server.request("GET", index["docs_url"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"/predictions" in page.body
    health = server.get(index["healthcheck_url"])
    assert health["status"] == "READY"
    assert health["version"].keys() >= {"coglet", "cog", "python_sdk", "python"}


def test_unknown_routes_and_methods_are_empty_answers(plain: Server) -> None:
    asked = [("GET", "/nothing"), ("POST", "/predictions/"), ("PUT", "/predictions"), ("DELETE", "/predictions/x")]
    answers = [plain.request(method, path) for method, path in asked]
    assert [each.status for each in answers] == [404, 404, 405, 405]
    assert {each.body for each in answers} == {b""}


def test_an_id_is_one_segment_of_the_path(plain: Server) -> None:
    assert plain.request("PUT", "/predictions/a%20b%2Fc", {"input": {"n": 1}}).json()["id"] == "a b/c"
    assert plain.request("PUT", "/predictions/a/b", {"input": {"n": 1}}).status in {404, 405}


def test_a_schema_elsewhere_can_be_named(serve: Servers, tmp_path: Path) -> None:
    other = tmp_path / "schema.json"
    other.write_text(json.dumps({"openapi": "3.0.2", "components": {"schemas": {}}}))
    server = serve(SOURCE, COG_SCHEMA=str(other))
    assert server.get("/openapi.json")["components"] == {"schemas": {}}


def test_nothing_to_run_is_said_plainly(interpreter: Interpreter, tmp_path: Path) -> None:
    command = [interpreter.path, "-m", "cog.server.http"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: COG_PREDICT_TYPE_STUB environment variable is not set.")
    version = subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert version.stdout.startswith("cog-runtime ")


def test_a_port_that_is_taken_is_an_error(serve: Servers, interpreter: Interpreter, model_folder: Path) -> None:
    server = serve(SOURCE)
    second = start(interpreter, model_folder, PORT=str(server.port))
    assert second.process.wait(5) == 1
    assert "Cannot listen on 127.0.0.1" in second.log


def test_a_port_that_is_none_is_an_error(serve: Servers, interpreter: Interpreter, model_folder: Path) -> None:
    serve(SOURCE).stop()
    server = start(interpreter, model_folder, PORT="70000")
    assert server.process.wait(5) == 1
    assert "Cannot listen on 127.0.0.1:70000" in server.log
    assert "Traceback" not in server.log


def test_a_bundle_serves_without_an_image(interpreter: Interpreter, model_folder: Path, serve: Servers) -> None:
    serve(SOURCE).stop()
    main = ("-I", "-S", str(interpreter.bundle / "server" / "__main__.py"))
    server = start(interpreter, model_folder, command=main)
    try:
        server.wait_for("READY")
        assert server.output(n=5) == 5
    finally:
        server.end()
    assert not list(interpreter.bundle.rglob("__pycache__"))
