"""Checks of builds that do not end well."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cog_core import clock
from cog_core.errors import BackendError, BuildFailed, Origin
from cog_core.events import StepFailed, StepFinished, StepOutput, StepStarted
from cog_core.ir import Copy, Run, SecretMount, Write
from cog_oci.layout import Layout

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from cog_core.events import Event
    from cog_core.testing.contract.built import Built
    from cog_core.testing.contract.kit import Kit

_ORIGIN = Origin(file="cog.yaml", key="build.run[1]", line=7)
_SLEEP = 100
_PATIENCE = 40


class EndingChecks:
    """Failures say where and why; nothing half-made stays, and the next build works."""

    def test_a_failed_command_says_where_and_why(self, kit: Kit) -> None:
        """The line of the user's file, the last lines that were printed, and the exit status."""
        heard: list[Event] = []
        script = "echo 'to standard output'; echo 'to standard error' >&2; exit 42"

        with pytest.raises(BuildFailed) as caught:
            kit.build(Run(script="true"), Run(script=script, origin=_ORIGIN), emit=heard.append)

        error = caught.value
        assert (error.origin, error.exit_status) == (_ORIGIN, 42)
        assert {"to standard output", "to standard error"} <= set(error.output)
        failed = {event.id for event in heard if isinstance(event, StepFailed)}
        assert failed & {event.id for event in heard if isinstance(event, StepStarted) and event.origin == _ORIGIN}

    def test_a_script_of_several_lines_fails_with_its_origin_too(self, kit: Kit) -> None:
        """Whatever form the engine gives it."""
        with pytest.raises(BuildFailed) as caught:
            kit.build(Run(script="set -e\necho here\nfalse\necho 'not here'\n", origin=_ORIGIN))

        assert (caught.value.origin, caught.value.exit_status) == (_ORIGIN, 1)
        assert "here" in caught.value.output

    def test_a_missing_file_fails_with_its_origin(self, kit: Kit) -> None:
        """A copy of what is not there, told as the line of the user's file that asks for it."""
        kit.put("other", "x")

        with pytest.raises(BackendError) as caught:
            kit.build(Write(path="/kit/a", content="a"), Copy(source="missing", target="/kit/b", origin=_ORIGIN))

        assert caught.value.origin == _ORIGIN
        assert "missing" in caught.value.message

    def test_a_missing_secret_fails(self, kit: Kit) -> None:
        """When its mount says that it is required."""
        mount = SecretMount(id="nobody-has-it", target="/run/secrets/token")

        with pytest.raises(BackendError):
            kit.build(Run(script="true", mounts=(mount,), origin=_ORIGIN))

    def test_a_failed_build_leaves_nothing(self, kit: Kit) -> None:
        """No image in the layout, no temporary files."""
        layout = kit.folder / "failed"
        before = kit.leftovers()

        with pytest.raises(BackendError):
            kit.build(Write(path="/kit/a", content="a"), Copy(source="missing", target="/kit/b"), layout=layout)

        assert not holds_images(layout)
        assert kit.left_since(before) == set()

    def test_an_interrupt_in_a_command_ends_the_build(self, kit: Kit) -> None:
        """At once, and nothing is left; the same build without the interrupt works afterwards."""
        layout = kit.folder / "interrupted"
        before, started = kit.leftovers(), clock.monotonic()

        with pytest.raises(KeyboardInterrupt):
            kit.build(Run(script=f"echo ready; sleep {_SLEEP}"), emit=_interrupt_at_output, layout=layout)

        assert clock.monotonic() - started < _PATIENCE
        assert not holds_images(layout)
        assert kit.left_since(before) == set()
        assert kit.build(Write(path="/kit/a", content="a")).contents() == {"a": b"a"}

    def test_an_interrupt_between_steps_ends_the_build(self, kit: Kit) -> None:
        """As the one in a command does."""
        kit.put("large", bytes(1 << 22))
        layout = kit.folder / "interrupted"
        before = kit.leftovers()

        with pytest.raises(KeyboardInterrupt):
            kit.build(Copy(target="/kit"), Write(path="/kit/a", content="a"), emit=_Interrupt(3), layout=layout)

        assert not holds_images(layout)
        assert kit.left_since(before) == set()
        assert kit.build(Write(path="/kit/a", content="a")).contents() == {"a": b"a"}

    def test_an_interrupted_build_harms_no_other_one(self, kit: Kit) -> None:
        """Another one on the same base, which began after it and still runs, ends well; and nothing is left."""
        script = "echo ready; sleep 2; mkdir /kit; echo done > /kit/a"
        first, ready, before = Run(script=f"echo ready; sleep {_SLEEP}"), threading.Event(), kit.leftovers()

        def listen(event: Event) -> None:
            if _is_ready(event):
                ready.set()

        def other() -> Built:
            return kit.build(Run(script=script), emit=listen, no_cache=True)  # a step from the cache prints nothing

        with ThreadPoolExecutor(1) as pool:
            began: list[Future[Built]] = []

            def interrupt(event: Event) -> None:
                if _is_ready(event):
                    began.append(pool.submit(other))
                    ready.wait(_PATIENCE)
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                kit.build(first, emit=interrupt, layout=kit.folder / "interrupted")

            assert began[0].result().contents() == {"a": b"done\n"}
        assert kit.left_since(before) == set()

    def test_every_step_that_starts_ends(self, kit: Kit) -> None:
        """Well or badly, once; and what it prints comes in between."""
        heard: list[Event] = []
        kit.put("file", "content")

        kit.build(Copy(target="/kit"), Write(path="/kit/a", content="a"), emit=heard.append)

        started = [event for event in heard if isinstance(event, StepStarted)]
        ended = [event.id for event in heard if isinstance(event, (StepFinished, StepFailed))]
        assert started
        assert all(event.name.strip() for event in started)
        assert sorted(event.id for event in started) == sorted(ended)
        assert {event.id for event in heard if isinstance(event, StepOutput)} <= set(ended)


class _Interrupt:
    """Raises when it has heard so many steps start."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __call__(self, event: Event) -> None:
        self._left -= isinstance(event, StepStarted)
        if self._left == 0:
            raise KeyboardInterrupt


def _interrupt_at_output(event: Event) -> None:
    if _is_ready(event):
        raise KeyboardInterrupt


def _is_ready(event: Event) -> bool:
    return isinstance(event, StepOutput) and "ready" in event.line


def holds_images(layout: Path) -> bool:
    """Say whether a folder holds an image, or what could be taken for one."""
    return (layout / "index.json").exists() and bool(Layout.open(layout).images())
