"""Real programs: what they print, how they are stopped, and what is never shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cog_core.errors import CogError
from cog_core.process import Command, CommandNotFound, ProcessFailed, ProcessTimeout, run, start, stop, together

# A child that ignores polite signals and writes its number; its parent waits for it.
STUBBORN = "trap '' TERM; echo $$ > {file}; while :; do sleep 0.05; done"


def sh(script: str, **more) -> Command:
    return Command(argv=("/bin/sh", "-c", script), **more)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True


def written(file: Path) -> int:
    deadline = time.monotonic() + 10
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(file.read_text())


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not lives(pid)


@pytest.mark.parametrize("follow", [False, True])
def test_output_and_status_come_back(follow):
    lines: list[tuple[str, str]] = []
    on_line = (lambda stream, line: lines.append((stream, line))) if follow else None

    done = run(sh("echo out; echo err >&2; printf rest; exit 3"), on_line=on_line)

    assert (done.code, done.stdout, done.stderr) == (3, "out\nrest", "err\n")
    assert not follow or sorted(lines) == [("stderr", "err"), ("stdout", "out"), ("stdout", "rest")]


@pytest.mark.parametrize("follow", [None, lambda stream, line: None])
def test_megabytes_go_in_and_come_out_without_anybody_waiting_for_ever(follow):
    data = b"x" * 3_000_000

    assert run(Command(argv=("cat",), stdin=data, timeout=60), on_line=follow).stdout.encode() == data


@pytest.mark.parametrize("follow", [None, lambda stream, line: None])
def test_a_program_that_does_not_want_its_input_is_no_error(follow):
    assert run(sh("exec <&-; sleep 0.1; echo done", stdin=b"x" * 1_000_000), on_line=follow).stdout == "done\n"


def test_lines_come_while_the_program_runs(tmp_path):
    go = tmp_path / "go"
    seen: list[str] = []

    def on_line(_: str, line: str) -> None:
        seen.append(line)
        go.touch()

    run(sh(f"echo first; while [ ! -e {go} ]; do sleep 0.02; done; echo second", timeout=30), on_line=on_line)

    assert seen == ["first", "second"]


def test_bytes_that_are_no_text_do_no_harm():
    assert run(sh(r"printf 'a\377b'")).stdout == "a\ufffdb"


def test_folder_and_environment_are_those_of_the_command(tmp_path):
    done = run(sh('echo "$PWD $A $HOME"', cwd=tmp_path, env={"A": "1"}))

    assert done.stdout == f"{tmp_path} 1 \n"


@pytest.mark.parametrize("follow", [None, lambda stream, line: None])
@pytest.mark.parametrize("script", ["exec >&- 2>&-; exec sleep 60", "exec yes"])
def test_a_program_that_takes_too_long_is_stopped(follow, script):
    began = time.monotonic()

    with pytest.raises(ProcessTimeout, match=r"/bin/sh did not answer within 0\.3 s"):
        run(sh(script, timeout=0.3), on_line=follow)

    assert time.monotonic() - began < 10


@pytest.mark.parametrize("follow", [False, True])
def test_an_interrupt_ends_the_whole_group_before_it_goes_on(tmp_path, follow):
    """A child keeps the group busy; Ctrl-C arrives while we wait for the program."""
    file = tmp_path / "pid"
    script = f"sh -c '{STUBBORN.format(file=file).replace(chr(39), chr(34))}' & wait"
    main = threading.main_thread().ident

    def interrupt() -> None:
        written(file)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(sh(script), on_line=(lambda stream, line: None) if follow else None)
    thread.join()

    assert gone(written(file))


def test_an_exception_of_the_watcher_ends_the_program(tmp_path):
    file = tmp_path / "pid"

    def on_line(*_: str) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run(sh(f"echo $$ > {file}; echo line; sleep 60"), on_line=on_line)

    assert gone(written(file))


def test_a_stubborn_program_is_ended_for_good_after_its_grace(tmp_path):
    file = tmp_path / "pid"
    process = start(sh(STUBBORN.format(file=file)))
    pid = written(file)
    began = time.monotonic()

    stop(process, grace=0.2)

    assert process.returncode == -signal.SIGKILL
    assert gone(pid)
    assert 0.2 <= time.monotonic() - began < 5


def test_what_a_program_started_in_a_session_of_its_own_ends_with_it(tmp_path):
    """As a container's first process does, which no signal to the builder's group reaches."""
    file = tmp_path / "pid"
    process = start(sh(f"setsid sh -c 'echo $$ > {file}; exec sleep 60' & wait"))
    pid = written(file)

    stop(process)

    assert gone(pid)


def test_a_program_in_our_own_group_is_stopped_alone():
    process = start(sh("exec sleep 60"), own_group=False)
    assert os.getpgid(process.pid) == os.getpgid(0)

    stop(process)

    assert process.returncode == -signal.SIGTERM


def test_stopping_twice_or_after_the_end_is_no_error():
    process = start(sh("true"))
    process.wait()

    stop(process)
    stop(process)

    assert process.returncode == 0


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandNotFound, match="no-such-program is not installed") as caught:
        run(Command(argv=("no-such-program", "x")))
    assert isinstance(caught.value, CogError)

    file = tmp_path / "data"
    file.write_text("")
    with pytest.raises(CommandNotFound, match="may be started"):
        run(Command(argv=(str(file),)))


def test_a_folder_that_is_not_there_is_not_mistaken_for_a_missing_program(tmp_path):
    with pytest.raises(FileNotFoundError):
        run(Command(argv=("true",), cwd=tmp_path / "none"))


SECRETS = frozenset({"s3cret", "s3cret-longer", ""})


def test_secrets_are_in_nothing_that_is_shown(capfd):
    lines: list[str] = []
    command = sh("echo s3cret s3cret-longer; echo s3cret >&2; exit 1 # s3cret", secrets=SECRETS, stdin=b"s3cret")

    done = run(command, on_line=lambda stream, line: lines.append(line))
    with pytest.raises(ProcessFailed) as caught:
        done.check()

    assert "s3cret" not in f"{command} {command!r} {caught.value}".replace(repr(command.argv), "")
    assert "s3cret" not in "".join(lines)
    assert "********** **********" in "".join(lines)
    assert capfd.readouterr() == ("", "")


def test_a_failure_shows_the_last_lines_that_the_program_wrote():
    with pytest.raises(ProcessFailed) as caught:
        run(sh("for i in $(seq 50); do echo line $i >&2; done; exit 2")).check()

    lines = caught.value.message.splitlines()
    assert lines[0] == "sh ended with status 2"
    assert lines[1:] == [f"line {number}" for number in range(31, 51)]
    assert caught.value.completed.code == 2


def test_a_signal_is_a_negative_status():
    assert run(sh("kill -9 $$")).code == -9


def test_ctrl_c_of_the_terminal_does_not_reach_the_program():
    process = start(Command(argv=(sys.executable, "-c", "import os; print(os.getpgid(0) == os.getpid())")))
    out, _ = process.communicate()

    assert out == b"True\n"
    assert isinstance(process, subprocess.Popen)


def test_commands_run_at_the_same_time_and_answer_in_their_order(tmp_path):
    """Each waits for the other, so that they would never end one after the other."""
    scripts = [
        f"touch {tmp_path}/{mine}; while [ ! -e {tmp_path}/{other} ]; do sleep 0.01; done; echo {mine}"
        for mine, other in (("a", "b"), ("b", "a"))
    ]

    found = together(run, *(sh(script, timeout=20) for script in scripts))

    assert [completed.stdout for completed in found] == ["a\n", "b\n"]


def test_of_commands_that_run_together_the_first_failure_is_raised_when_all_have_ended(tmp_path):
    late = sh(f"sleep 0.2; touch {tmp_path}/late")

    with pytest.raises(CommandNotFound, match="no-such-program is not installed"):
        together(run, Command(argv=("no-such-program",)), late)

    assert (tmp_path / "late").exists()
