"""Users' mistakes: what is said, where, and with which exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Cog = Callable[..., subprocess.CompletedProcess[str]]

BROKEN = """build:
  python_version: "3.99"
  gpu: sometimes
  python_packages: [numpy, "!!"]
  python_requirements: missing.txt
  system_package:
    - libgl1
image: "Not A Name"
run: nowhere
environment:
  - no equals sign
"""


def test_five_mistakes_in_one_file_are_told_at_once_with_their_lines(cog: Cog, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text(BROKEN)

    done = cog("build")

    places = [int(line.split(":")[1]) for line in done.stderr.splitlines() if line.startswith("  cog.yaml:")]
    assert done.returncode == 2
    assert len(places) >= 5
    assert places == sorted(places)
    assert {3, 5, 6, 9, 11} <= set(places)
    assert "Traceback" not in done.stderr


def test_a_log_format_that_is_none_is_refused(cog: Cog) -> None:
    done = cog("serve", "--log-format", "xml")

    assert done.returncode == 2
    assert "unknown log format 'xml'" in done.stderr
    assert "Use one of json, text." in done.stderr


def test_an_unknown_key_is_a_warning_and_with_strict_an_error(cog: Cog, project: Path) -> None:
    (project / "cog.yaml").write_text('build: {python_version: "3.13", gpus: true}\nrun: "run.py:Runner"\n')

    lenient, strict = cog("config", cwd=project), cog("config", "--strict", cwd=project)

    assert (lenient.returncode, strict.returncode) == (0, 2)
    assert "gpus" in lenient.stderr
    assert "gpu" in strict.stderr


@pytest.mark.parametrize(
    "command", [["build"], ["push", "x"], ["run"], ["serve"], ["exec", "ls"], ["plan"], ["debug"]]
)
def test_a_folder_without_configuration_is_exit_code_2(cog: Cog, command: list[str]) -> None:
    done = cog(*command)

    assert done.returncode == 2
    assert "cog.yaml not found in" in done.stderr
    assert "cog init" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["build", "run", "serve", "schema"])
def test_a_project_without_a_model_cannot_be_built(cog: Cog, project: Path, command: str) -> None:
    (project / "cog.yaml").write_text('build: {python_version: "3.13"}\n')

    done = cog(command, cwd=project)

    assert done.returncode == 2
    assert "no predict or train reference found in cog.yaml" in done.stderr


def test_a_model_that_cannot_be_described_is_exit_code_3_and_names_its_line(cog: Cog, project: Path) -> None:
    (project / "run.py").write_text(
        "from cog import BaseRunner\n\n\nclass Runner(BaseRunner):\n    def run(self, x: object) -> str: ...\n"
    )

    done = cog("build", cwd=project)

    assert done.returncode == 3
    assert "run.py:5" in done.stderr


def test_a_backend_that_does_not_exist_is_exit_code_4(cog: Cog, project: Path) -> None:
    done = cog("build", "--backend", "oci2", cwd=project)

    assert done.returncode == 4
    assert "Did you mean oci?" in done.stderr


def test_an_image_that_does_not_exist_is_exit_code_5(cog: Cog) -> None:
    done = cog("inspect", "no-such-image:1", "--backend", "oci")

    assert done.returncode == 5
    assert "no-such-image:1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["-i", "txt=x"], 'unknown input "txt"; valid inputs are: text, times, voice'),
        ([], 'missing required input "text"'),
        (["-i", "text=x", "-i", "times=many"], 'invalid input "times": expected integer, got string'),
        (["-i", "text=x", "-i", "times=9"], 'invalid input "times": must be at most 5'),
        (["-i", "text=x", "-i", "voice=loud"], "must be one of: low, high"),
        (["-i", "text=@nowhere.txt"], "cannot read nowhere.txt"),
        (["--json", "{"], "Failed to parse JSON"),
        (["--json", "[]"], "Failed to parse JSON"),
        (["--json", '{"text": null}'], "must not be null"),
    ],
)
def test_inputs_are_checked_before_anything_is_built(
    cog: Cog, project: Path, arguments: list[str], fact: str
) -> None:
    done = cog("run", *arguments, cwd=project)

    assert done.returncode == 7
    assert fact in done.stderr
    assert "Building" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["run", "text=x"], "Did you forget `-i`?"),
        (["run", "-i", "text=x", "--json", "{}"], "Must use one of --json or --input"),
        (["run", "--json", "@nowhere.json"], 'Failed to read JSON from file "nowhere.json"'),
        (["run", "-i", "text=x", "-o", "nowhere/out"], "Output directory is not writable: nowhere"),
        (["run", "-i", "text=x", "-e", "=x"], "invalid environment variable"),
        (["run", "-i", "text=x", "--use-replicate-token"], "Failed to find REPLICATE_API_TOKEN"),
        (["run", "--progress", "loud"], "unknown progress mode 'loud'"),
        (["exec", "-p", "70000", "ls"], 'invalid port "70000": port must be between 1 and 65535'),
        (["build", "--output", "tar:x"], "invalid output 'tar:x'"),
        (["build", "--output", "docker-archive:no/where.tar"], "there is no folder"),
        (["build", "--platform", "amd64"], "invalid platform 'amd64'"),
        (["build", "--secret", "src=x"], "invalid --secret: it has no id"),
        (["build", "--secret", "id=a,src=nowhere"], "needs the file"),
        (["build", "--openapi-schema", "nowhere.json"], "--openapi-schema: failed to read nowhere.json"),
        (["build", "--dockerfile", "Dockerfile"], "--dockerfile is not supported"),
        (["push"], "To push images, you must either set the 'image' option in cog.yaml"),
    ],
)
def test_calls_that_make_no_sense_are_exit_code_2(cog: Cog, project: Path, arguments: list[str], fact: str) -> None:
    done = cog(*arguments, cwd=project)

    assert done.returncode == 2
    assert fact in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_is_a_deprecated_name_of_run(cog: Cog, project: Path) -> None:
    old, new = cog("predict", cwd=project), cog("run", cwd=project)

    assert '"cog predict" is deprecated, use "cog run"' in old.stderr
    assert "deprecated" not in new.stderr
    assert old.returncode == new.returncode == 7


def test_debug_adds_the_traceback_and_keeps_the_exit_code(cog: Cog) -> None:
    done = cog("--debug", "build")

    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "error: cog.yaml not found" in done.stderr


def test_a_terminal_without_colours_gets_none(cog: Cog) -> None:
    assert "\x1b[" not in cog("build").stderr


def test_an_environment_that_makes_no_sense_is_told_as_such(cog: Cog) -> None:
    done = cog("plan", env={"SOURCE_DATE_EPOCH": "yesterday"})

    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_short_line_and_exit_code_130(project: Path, number: signal.Signals) -> None:
    pipe = project / "inputs.json"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-m", "cog_cli.main", "run", "--json", "@inputs.json"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        feed = os.open(pipe, os.O_WRONLY)  # returns when the program reads
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    os.close(feed)

    assert process.returncode == 130
    assert out == b""
    assert err == b"interrupted\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_reason_to_fail(project: Path, closed: str) -> None:
    words = f'"{sys.executable}" -m cog_cli.main config {closed}'
    done = subprocess.run(["sh", "-c", words], cwd=project, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_inputs_from_a_closed_stream_are_a_mistake(project: Path) -> None:
    words = f'"{sys.executable}" -m cog_cli.main run --json - <&-'
    done = subprocess.run(["sh", "-c", words], cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 7
    assert "Failed to parse JSON" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_without_a_traceback(project: Path) -> None:
    words = f'"{sys.executable}" -m cog_cli.main schema --json >/dev/full'
    done = subprocess.run(["sh", "-c", words], cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 5
    assert "no space left on the disk" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_current_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    words = f'mkdir gone; cd gone; rmdir ../gone; "{sys.executable}" -m cog_cli.main config'
    done = subprocess.run(["sh", "-c", words], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "the current folder is gone" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locale_without_our_letters_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text("image: x\nenvironment: ['A=\u00e4\u6f22']\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "cog_cli.main", "config"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "A=\\xe4\\u6f22" in done.stdout


@pytest.mark.parametrize(("name", "fact"), [("./nowhere", "is not there"), ("./run.py", "is no folder")])
def test_what_is_no_folder_is_not_taken_for_the_project_around_it(
    cog: Cog, project: Path, name: str, fact: str
) -> None:
    done = cog("run", name, "-i", "text=x", cwd=project)

    assert done.returncode == 2
    assert f"error: {name.removeprefix('./')} {fact}" in done.stderr


@pytest.mark.parametrize(
    ("rules", "told"), [("*.py\n", True), ("run.py\n", True), ("*.py\n!run.py\n", False), ("other.py\n", False)]
)
def test_a_model_that_the_image_will_not_have_is_warned_of(cog: Cog, project: Path, rules: str, told: bool) -> None:
    (project / ".dockerignore").write_text(rules)

    done = cog("debug", cwd=project)

    assert done.returncode == 0
    assert ("the model is in run.py, which .dockerignore leaves out of the image" in done.stderr) is told
    assert ("Write !run.py below the line that covers it." in done.stderr) is told
