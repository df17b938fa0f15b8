"""Daemons: started beside the tests, shared by runs, stopped by the last one, never touched when foreign."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.engines.daemon import Daemon, began
from tests.engines.machine import Broken, Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")


@pytest.fixture
def machine(tmp_path):
    environ = {"COG_TEST_CACHE": str(tmp_path / "cache"), "PATH": os.environ["PATH"], "COG_TEST_ENGINES": "install"}
    return Machine.from_environ(environ, lambda _: None)


@pytest.fixture
def answer(tmp_path):
    return tmp_path / "answer"


@pytest.fixture
def argv(answer):
    return ("sh", "-c", f'trap "rm {answer}; exit" TERM; echo $$ >{answer}; while :; do sleep 0.05; done')


@pytest.fixture
def why_not(answer):
    return lambda: None if answer.exists() and answer.read_text().strip() else "no answer"


def test_it_runs_until_it_is_stopped(machine, argv, why_not, answer):
    daemon = Daemon(machine, "thing")

    daemon.start(argv, why_not=why_not)

    pid = int(answer.read_text())
    assert why_not() is None
    assert os.getsid(pid) != os.getsid(0)
    daemon.stop()
    assert began(pid) is None


def test_the_last_run_that_uses_it_stops_it(machine, argv, why_not):
    first, second = Daemon(machine, "thing"), Daemon(machine, "thing")
    first.start(argv, why_not=why_not)
    second.start(argv, why_not=why_not)

    first.stop()

    assert why_not() is None
    second.stop()
    assert why_not() is not None


def test_one_that_an_aborted_run_left_is_adopted(machine, argv, why_not, answer):
    aborted = Daemon(machine, "thing")
    aborted.start(argv, why_not=why_not)
    pid = answer.read_text()
    aborted._using.close()

    later = Daemon(machine, "thing")
    later.start(argv, why_not=why_not)

    assert answer.read_text() == pid
    later.stop()
    assert why_not() is not None


def test_a_foreign_one_is_left_alone(machine, argv, why_not, answer):
    answer.write_text("somebody else's\n")
    daemon = Daemon(machine, "thing")

    daemon.start(argv, why_not=why_not)
    daemon.stop()

    assert answer.read_text() == "somebody else's\n"


def test_one_that_ends_at_once_shows_the_end_of_its_log(machine):
    with pytest.raises(Broken, match=r"never(.|\n)*no space left in here"):
        Daemon(machine, "thing").start(("sh", "-c", "echo no space left in here"), why_not=lambda: "never", within=20)


def test_one_that_does_not_answer_is_ended(machine, tmp_path):
    began_at = time.monotonic()
    with pytest.raises(Broken, match="still nothing"):
        Daemon(machine, "thing").start(("sleep", "97531"), why_not=lambda: "still nothing", within=0.3)
    assert time.monotonic() - began_at < 5
