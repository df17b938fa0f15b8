"""buildah's output as events."""

from __future__ import annotations

from cog_backends.podman.progress import BuildProgress
from cog_core.errors import Origin
from cog_core.events import StepFailed, StepFinished, StepOutput, StepStarted
from cog_core.ir.dockerfile import Instruction

ORIGIN = Origin(file="cog.yaml", key="build.run[0]", line=4)
INSTRUCTIONS = (
    Instruction("FROM docker.io/library/python:3.12-slim"),
    Instruction('ENV A="1"', makes_vertex=False),
    Instruction("RUN make", ORIGIN),
)
ID = "d2525a29ab93b989a45b519b443f2874bbc01991b5c4e261bd2c2643939e11cc"
START = ("STEP 1/3: FROM docker.io/library/python:3.12-slim", 'STEP 2/3: ENV A="1"')


def follow(*lines: str, code: int = 0, stderr: str = "") -> tuple[BuildProgress, list[object]]:
    events: list[object] = []
    progress = BuildProgress(INSTRUCTIONS, events.append)
    for line in lines:
        progress.feed("stdout", line)
    for line in stderr.splitlines():
        progress.feed("stderr", line)
    progress.end(code, stderr)
    return progress, events


def test_steps_carry_the_line_that_asked_for_them() -> None:
    progress, events = follow(
        *START, "--> Using cache " + "a" * 64, "--> " + "a" * 11, "STEP 3/3: RUN make", "made it",
        "--> " + "b" * 11, "COMMIT cog-hello", "--> " + ID[:11], "Successfully tagged localhost/cog-hello:latest", ID,
    )  # fmt: skip

    assert [event.origin for event in events if isinstance(event, StepStarted)] == [None, None, ORIGIN, None]
    assert StepOutput(id="3", line="made it") in events
    assert [event.cached for event in events if isinstance(event, StepFinished)] == [False, True, False, False]
    assert progress.image_id == ID
    assert progress.failure is None


def test_only_what_this_build_made_would_be_removed() -> None:
    progress, _ = follow(
        *START, "--> Using cache " + "a" * 64, "--> " + "a" * 11, "STEP 3/3: RUN make", "--> " + "b" * 11, "COMMIT x",
        "--> " + "c" * 11, ID,
    )  # fmt: skip

    assert progress.made == ["b" * 11]


def test_an_image_without_a_name_that_was_built_before_is_found_without_a_commit() -> None:
    progress, _ = follow(*START, "STEP 3/3: RUN make", f"--> Using cache {ID}", f"--> {ID[:11]}", ID)

    assert progress.image_id == ID


def test_a_command_that_prints_an_id_does_not_choose_the_image() -> None:
    progress, _ = follow(*START, "STEP 3/3: RUN make", "f" * 64, "COMMIT", ID)

    assert progress.image_id == ID


def test_a_failed_command_is_named_with_its_output_and_status() -> None:
    error = 'Error: building at STEP "RUN make": while running runtime: exit status 7\n'

    progress, events = follow(*START, "STEP 3/3: RUN make", "on it", code=7, stderr=f"no rule\n{error}")

    failure = progress.failure
    assert failure
    assert (failure.exit_status, failure.origin, failure.output) == (7, ORIGIN, ("on it", "no rule"))
    assert isinstance(events[-1], StepFailed)


def test_a_base_that_cannot_be_had_is_named_and_why_is_told_once() -> None:
    reason = 'Get "https://far/v2/": dial tcp: lookup far: no such host'
    doing = "creating build container: initializing source docker://far/x:1: pinging container registry far: "

    progress, seen = follow(START[0], code=125, stderr=f"Trying to pull x...\nError: {doing}{reason}\n")

    assert progress.failure
    assert progress.failure.message == f"the base image docker.io/library/python:3.12-slim cannot be had: {reason}"
    assert "--base-image" in (progress.failure.hint or "")
    assert "no such host" not in repr(seen)
    assert "Trying to pull x" in repr(seen)


def test_a_full_disk_is_told_with_what_to_do() -> None:
    said = 'Error: building at STEP "COPY . /src": write /x: no space left on device\n'

    progress, _ = follow(*START, "STEP 3/3: COPY . /src", code=125, stderr=said)

    assert progress.failure
    assert "no space left on device" in progress.failure.message
    assert "podman system prune" in (progress.failure.hint or "")


def test_a_builder_that_dies_before_the_first_step_is_an_error() -> None:
    progress, _ = follow(code=-9)

    assert progress.failure
    assert "gave no reason" in progress.failure.message


def test_a_command_cannot_pretend_to_be_the_next_but_one_step() -> None:
    _, events = follow(*START, "STEP 3/3: RUN make", "STEP 7/9: RUN evil", "STEP 2/3: again", "COMMIT", ID)

    assert [event.id for event in events if isinstance(event, StepStarted)] == ["1", "2", "3", "commit"]
