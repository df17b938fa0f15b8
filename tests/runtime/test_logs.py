"""What a model prints, whichever way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.runtime.serving import events, until

if TYPE_CHECKING:
    from tests.runtime.serving import Servers

SOURCE = """
    import ctypes, logging, os, subprocess, sys, threading, time

    class Runner:
        def run(self, n: int) -> int:
            print("print")
            sys.stderr.write("stderr\\n")
            os.write(1, b"descriptor\\n")
            subprocess.run(["echo", "program"])
            ctypes.CDLL(None).puts(b"c code")
            logging.warning("logged")
            thread = threading.Thread(target=print, args=("thread",))
            thread.start()
            thread.join()
            print("no end", end="")
            return n
    """
BACKGROUND = """
    import threading, time

    class Runner:
        def setup(self):
            threading.Thread(target=self.tick, daemon=True).start()

        def tick(self):
            while True:
                time.sleep(0.05)
                print("tick")

        def run(self, n: int) -> int:
            return n
    """


def test_all_ways_of_printing_are_heard(serve: Servers) -> None:
    server = serve(SOURCE)
    logs = server.predict(n=1)["logs"]
    words = ("print", "stderr", "descriptor", "program", "c code", "WARNING:root:logged", "thread", "no end")
    assert [word for word in words if word not in logs] == []
    assert len(server.predict(n=1)["logs"]) == len(logs)


def test_what_is_printed_between_predictions_goes_to_the_servers_log(serve: Servers) -> None:
    server = serve(BACKGROUND)
    until(lambda: '"message":"tick"' in server.log)
    server.predict(n=1)


def test_the_log_is_lines_of_json_or_lines_for_people(serve: Servers) -> None:
    server = serve(SOURCE)
    server.predict(n=1)
    server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {"timestamp", "level", "fields", "target"} == set(lines[0])
    people = serve(SOURCE, LOG_FORMAT="console", COG_LOG_LEVEL="warning")
    people.predict(n=1)
    people.stop()
    assert "INFO cog::prediction: program source=stdout" in people.log
    assert "Listening" not in people.log


def test_a_client_cannot_write_lines_of_its_own_into_the_log_for_people(serve: Servers) -> None:
    server = serve(SOURCE, LOG_FORMAT="console")
    answer = server.request("POST", "/predictions", {"id": "a\n2026 ERROR cog: forged\x1b[31m", "input": {"n": 1}})
    assert answer.status == 200
    server.stop()
    assert not [line for line in server.log.splitlines() if line.startswith("2026 ")]
    assert "\x1b" not in server.log
    assert "prediction_id=a\\x0a2026 ERROR cog: forged\\x1b[31m" in server.log


def test_the_logs_of_a_prediction_have_a_limit(serve: Servers) -> None:
    source = "class Runner:\n    def run(self, n: int) -> int:\n        print('x' * n)\n        return n\n"
    server = serve(source, COG_MAX_LOG_BYTES="1000")
    logs = server.predict(n=100_000)["logs"]
    assert len(logs) < 1200
    assert "cut off" in logs


TOGETHER = """
    import asyncio, logging, sys
    from typing import AsyncIterator
    from cog import concurrent, current_scope, streaming

    logging.basicConfig()
    encoding = sys.stdout.encoding

    class Runner:
        @concurrent(max=4)
        @streaming
        async def run(self, name: str) -> AsyncIterator[str]:
            print("step", 0, "of", 1, name)
            await asyncio.sleep(0.1)
            logging.warning(name)
            print("half", "\\udcff")
            print("no end", end="")
            current_scope().record_metric("half", "\\ud800")
            yield encoding
            print("bar", end="", file=sys.stderr, flush=True)
            print("last", end="")
    """


def test_predictions_at_a_time_have_logs_of_their_own(serve: Servers) -> None:
    server = serve(TOGETHER)
    asked = {name: server.later(name=name) for name in "abc"}
    for name, each in asked.items():
        answer = each.result
        assert (answer["status"], answer["output"]) == ("succeeded", ["utf-8"]), answer
        assert answer["logs"] == f"step 0 of 1 {name}\nWARNING:root:{name}\nhalf \\udcff\nno endbarlast"
        assert answer["metrics"]["half"] == "?"


def test_predictions_at_a_time_log_in_lines(serve: Servers) -> None:
    server = serve(TOGETHER)
    told = [(name, data) for name, data in events(server, {"input": {"name": "a"}}) if name in {"log", "output"}]
    assert [data["data"] if name == "log" else None for name, data in told] == [
        "step 0 of 1 a\n",
        "WARNING:root:a\n",
        "half \\udcff\n",
        "no end",
        None,
        "bar",
        "last",
    ]


def test_a_stream_that_the_model_puts_in_the_place_of_ours_is_told_apart_too(serve: Servers) -> None:
    own = "    import io\n    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
    server = serve(TOGETHER.replace("    encoding =", f"{own}    encoding =", 1))
    asked = {name: server.later(name=name) for name in "ab"}
    assert all(each.result["logs"].startswith(f"step 0 of 1 {name}\n") for name, each in asked.items())


AT_IMPORT = """
    import io, logging, sys

    logging.basicConfig(stream=sys.stdout)
    held = sys.stdout
    at_import = [sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stdout.isatty()]
    sys.stdout.reconfigure(line_buffering=True)

    class Runner:
        def run(self, n: int) -> list:
            print("printed")
            held.write("held\\n")
            logging.warning("logged")
            return [*at_import, isinstance(sys.stdout, io.TextIOWrapper), sys.stdout is sys.__stdout__]
    """


def test_a_model_that_blocks_has_pythons_own_streams(serve: Servers) -> None:
    answer = serve(AT_IMPORT).predict(n=1)
    assert answer["output"] == ["utf-8", "backslashreplace", True, False, True, True]
    assert answer["logs"] == "printed\nheld\nWARNING:root:logged\n"
