"""Events as they are shown in each mode."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cog_cli.render.console import size
from cog_cli.render.progress import mode_of, showing, tell
from cog_core.errors import Origin, UsageError
from cog_core.events import Noted, StepFailed, StepFinished, StepOutput, StepProgress, StepStarted, Warned
from cog_core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cog = Callable[..., subprocess.CompletedProcess[str]]

EVENTS = (
    Noted(message="decided"),
    Warned(message="unwise", origin=Origin(file="cog.yaml", line=3), hint="Change it."),
    StepStarted(id="a", name="pip install\nmore", origin=Origin(file="cog.yaml", line=2)),
    StepStarted(id="b", name="copy"),
    StepOutput(id="a", line="Collecting x"),
    StepProgress(id="a", what="x.whl", done=5, total=10),
    StepFinished(id="a", seconds=1.25, size=1_500_000),
    StepFinished(id="b", seconds=0, cached=True),
    StepStarted(id="c", name="run"),
    StepFailed(id="c", message="exit status 1"),
)


def shown(mode: str, capsys: pytest.CaptureFixture[str]) -> str:
    with showing(mode) as emit:
        for event in EVENTS:
            emit(event)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_plain_is_one_line_for_each_thing_that_happens(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("plain", capsys).splitlines() == [
        "note: decided",
        "warning: cog.yaml:3: unwise",
        "  Change it.",
        "#1 pip install  (cog.yaml:2)",
        "#2 copy",
        "#1 Collecting x",
        "#1 done in 1.2 s, 1.5 MB",
        "#2 cached",
        "#3 run",
        "#3 failed: exit status 1",
    ]


def test_auto_is_plain_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("auto", capsys) == shown("plain", capsys)


def test_quiet_leaves_only_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("quiet", capsys).splitlines() == ["warning: cog.yaml:3: unwise", "  Change it."]


def test_json_is_one_object_a_line_with_all_that_an_event_says(capsys: pytest.CaptureFixture[str]) -> None:
    documents = [json.loads(line) for line in shown("json", capsys).splitlines()]

    assert [document["event"] for document in documents] == [type(event).__name__ for event in EVENTS]
    assert documents[5] == {"event": "StepProgress", "id": "a", "what": "x.whl", "done": 5, "total": 10}


def test_our_own_lines_are_json_too_among_json(capsys: pytest.CaptureFixture[str]) -> None:
    tell("json", "Image built as x")

    assert json.loads(capsys.readouterr().err) == {"event": "Noted", "message": "Image built as x"}


def test_the_live_view_keeps_what_was_finished(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown("tty", capsys)

    assert "✓ pip install" in text
    assert "1.5 MB" in text
    assert "✗ run" in text
    assert "unwise" in text


def test_the_live_view_cuts_names_and_not_times(capsys: pytest.CaptureFixture[str]) -> None:
    with showing("tty") as emit:
        emit(StepStarted(id="a", name="x" * 150))
        emit(StepFinished(id="a", seconds=3.0))

    line = next(line for line in capsys.readouterr().err.splitlines() if "✓" in line)
    assert line.rstrip().endswith("done in 3.0 s")
    assert "…" in line


def test_the_mode_comes_from_the_option_then_from_the_environment() -> None:
    plain = Settings.from_environ({"HOME": "/h", "BUILDKIT_PROGRESS": "plain"})
    strange = Settings.from_environ({"HOME": "/h", "BUILDKIT_PROGRESS": "rawjson"})

    assert mode_of("quiet", plain) == "quiet"
    assert mode_of(None, plain) == "plain"
    assert mode_of(None, strange) == "auto"
    with pytest.raises(UsageError):
        mode_of("loud", plain)


@pytest.mark.parametrize(
    ("count", "text"), [(None, "?"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2.5e12, "2500.0 GB")]
)
def test_sizes_are_written_in_powers_of_ten(count: float | None, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize("variable", ["", "NO_COLOR"])
def test_errors_have_colours_on_a_terminal_that_wants_them(tmp_path: Path, variable: str) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", **({variable: "1"} if variable else {})}
    command = [sys.executable, "-m", "cog_cli.main", "config"]

    done = subprocess.run(command, cwd=tmp_path, env=environ, stderr=theirs, check=False, timeout=60)
    os.close(theirs)
    text = os.read(ours, 4096).decode()
    os.close(ours)

    assert done.returncode == 2
    assert ("\x1b[1;31merror:" in text) is not bool(variable)
