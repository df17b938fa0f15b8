"""What a model prints, whichever way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.runtime.serving import until

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
