"""The protocol in another language: the same tests for our own worker and for one in JavaScript."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.serving import events, is_gone, until

if TYPE_CHECKING:
    from tests.runtime.serving import Server, Servers

PYTHON = """
    import asyncio, os
    from typing import AsyncIterator, Optional
    from cog import Path, current_scope, streaming

    class Runner:
        def setup(self):
            print("setting up")
            if os.environ.get("BROKEN"):
                raise RuntimeError("out of order")

        async def healthcheck(self):
            return not os.environ.get("ILL")

        @streaming
        async def run(self, how: str, file: Optional[Path] = None) -> AsyncIterator[str]:
            print("running", how)
            if how == "fail":
                raise ValueError("no such luck")
            if how == "exit":
                os._exit(3)
            if how == "sleep":
                await asyncio.sleep(30)
            if how == "context":
                current_scope().record_metric("size", len(how))
                yield current_scope().context["who"]
            elif file is not None:
                yield file.read_text()[::-1]
            else:
                for letter in how.split(","):
                    yield letter
    """
JAVASCRIPT = """
    exports.setup = async () => {
      console.log('setting up');
      if (process.env.BROKEN) throw new Error('out of order');
    };
    exports.healthcheck = async () => !process.env.ILL;
    exports.run = async function* ({ how, file }, call) {
      console.log('running', how);
      if (how === 'fail') throw new TypeError('no such luck');
      if (how === 'exit') process.exit(3);
      if (how === 'sleep') {
        await new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason)));
      }
      if (how === 'context') {
        call.metric('size', how.length);
        yield call.context.who;
      } else if (file) {
        yield file.toString().split('').reverse().join('');
      } else {
        yield* how.split(',');
      }
    };
    """
WORKER = Path(__file__).with_name("worker.js")
LANGUAGES = [
    "python",
    pytest.param("javascript", marks=pytest.mark.skipif(not shutil.which("node"), reason="node is not here")),
]


def begin(servers: Servers, language: str, *, wait: bool = True, **variables: str) -> Server:
    if language == "python":
        return servers(PYTHON, wait=wait, COG_MAX_CONCURRENCY="4", **variables)
    other = {"COG_WORKER_COMMAND": f"node {WORKER}", "COG_PREDICT_TYPE_STUB": "model.js"}
    folder = servers.next_folder()
    folder.mkdir(exist_ok=True)
    (folder / "model.js").write_text(JAVASCRIPT)
    return servers(PYTHON, wait=wait, COG_MAX_CONCURRENCY="4", **other, **variables)


@pytest.fixture(scope="module", params=LANGUAGES)
def server(request: pytest.FixtureRequest, keep: Servers) -> Server:
    return begin(keep, request.param)


def test_items_are_answered_and_streamed(server: Server) -> None:
    assert server.health["setup"]["logs"] == "setting up\n"
    answer = server.predict(how="a,b,ä")
    assert (answer["status"], answer["output"], answer["logs"]) == ("succeeded", ["a", "b", "ä"], "running a,b,ä\n")
    found = [(name, data) for name, data in events(server, {"input": {"how": "x,y"}}) if name == "output"]
    assert found == [("output", {"chunk": "x", "index": 0}), ("output", {"chunk": "y", "index": 1})]


def test_long_texts_and_files_go_through(server: Server) -> None:
    assert server.output(how="ß" * 100_000) == ["ß" * 100_000]
    url = "data:text/plain;base64," + base64.b64encode(b"abc" * 10_000).decode()
    assert server.output(how="", file=url) == ["cba" * 10_000]


def test_context_and_metrics(server: Server) -> None:
    body = {"input": {"how": "context"}, "context": {"who": "you"}}
    answer = server.request("POST", "/predictions", body).json()
    assert (answer["output"], answer["metrics"]["size"]) == (["you"], 7)


def test_failures_and_cancels(server: Server) -> None:
    failed = server.predict(how="fail")
    assert failed["status"] == "failed"
    assert failed["error"].endswith("Error: no such luck")
    server.request("PUT", "/predictions/long", {"input": {"how": "sleep"}}, Prefer="respond-async")
    assert server.output(how="beside") == ["beside"]
    assert server.request("POST", "/predictions/long/cancel").status == 200
    assert server.get("/predictions/long?wait=5")["status"] == "canceled"


def test_a_worker_that_dies_is_replaced(server: Server) -> None:
    assert server.predict(how="exit")["error"] == "Prediction failed: Worker crashed (exit status 3)"
    assert server.output(how="again") == ["again"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_setup_and_health_are_told(serve: Servers, language: str) -> None:
    broken = begin(serve, language, wait=False, BROKEN="1")
    logs = broken.wait_for("SETUP_FAILED")["setup"]["logs"]
    assert logs.startswith("setting up\n")
    assert logs.endswith("Error: out of order\n")
    ill = begin(serve, language, wait=False, ILL="1")
    assert "returned" in ill.wait_for("UNHEALTHY")["user_healthcheck_error"]
    assert ill.stop() < 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_workers_end_with_the_server(serve: Servers, language: str) -> None:
    server = begin(serve, language)
    pid = server.process.pid
    (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    server.process.kill()
    server.process.wait()
    until(lambda: is_gone(int(worker)))


def test_the_other_worker_is_short() -> None:
    assert len(WORKER.read_text("utf-8").splitlines()) <= 110
