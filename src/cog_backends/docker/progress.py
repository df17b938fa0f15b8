"""What Docker's builders print, as events: BuildKit's plain text, and the classic builder's messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cog_core.buildkit_progress import Steps

if TYPE_CHECKING:
    from cog_core.errors import BuildFailed
    from cog_core.events import Emit
    from cog_core.ir.dockerfile import Instruction


class Plain:
    """``--progress plain``: ``#5 [2/7] RUN ...``, ``#5 0.123 output``, ``#5 CACHED``, ``#5 DONE 1.2s``."""

    _LINE = re.compile(r"^#([1-9]\d*) (.*)$")  # number 0 says which builder it is, and never ends
    _TIMED = re.compile(r"^\d+\.\d+ (.*)$")
    _DONE = re.compile(r"^DONE (\d+(?:\.\d+)?)s")

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._known: set[str] = set()
        self._failed = ""
        self._error: list[str] = []

    def feed(self, line: str) -> None:
        """Take one line; lines outside of steps are ignored, but for those that an error goes on with."""
        match = self._LINE.match(line)
        if self._failed and match is None and not line.startswith("---"):
            self._error.append(line)
            return
        self._end_error()
        if match is None:
            return
        key, text = match.groups()
        if key not in self._known:
            self._known.add(key)
            self._steps.start(key, text)
        elif text == "CACHED":
            self._steps.finish(key, cached=True)
        elif done := self._DONE.match(text):
            self._steps.finish(key, seconds=float(done.group(1)))
        elif text.startswith("ERROR"):
            self._failed, self._error = key, [text.partition(": ")[2] or "failed"]
        elif timed := self._TIMED.match(text):
            self._steps.output(key, timed.group(1))

    def failure(self) -> BuildFailed | None:
        """Return the error of the step that failed, if one did."""
        self._end_error()
        return self._steps.failure()

    def _end_error(self) -> None:
        """Tell of an error when all of its lines are here: it quotes the command, which may have several."""
        if self._failed:
            self._steps.finish(self._failed, error="\n".join(self._error).strip())
            self._failed = ""


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What the builder puts around lines of standard error."""


class Classic:
    """The classic builder's stream: ``Step 3/9 : RUN ...``, output, ``---> Using cache``, an error (Engine API)."""

    _STEP = re.compile(r"^Step (\d+)/\d+ : (.*)$", re.DOTALL)

    def __init__(self, instructions: tuple[Instruction, ...], emit: Emit) -> None:
        self._steps = Steps((), emit)
        self._instructions = instructions
        self._current = ""
        self._cached = False
        self.image_id = ""

    def feed_message(self, message: dict[str, Any]) -> None:
        """Take one decoded message."""
        if "error" in message:
            self._steps.finish(self._current, error=str(message["error"]))
        elif "stream" in message:
            for line in _COLOURS.sub("", str(message["stream"])).splitlines():
                self._line(line)
        elif isinstance(message.get("aux"), dict):
            self.image_id = message["aux"].get("ID", self.image_id)
        elif "status" in message:
            detail = message.get("progressDetail") or {}
            self._steps.progress(
                self._current, str(message.get("id", "")), detail.get("current", 0), detail.get("total")
            )

    def end(self) -> None:
        """Note that the stream is over."""
        self._steps.finish(self._current, cached=self._cached)

    def failure(self) -> BuildFailed | None:
        """Return the error of the step that failed, if one did."""
        return self._steps.failure()

    def _line(self, line: str) -> None:
        if step := self._STEP.match(line):
            self.end()
            number = int(step.group(1)) - 1
            origin = self._instructions[number].origin if number < len(self._instructions) else None
            self._current, self._cached = step.group(1), False
            self._steps.start(self._current, step.group(2), origin)
        elif line.strip() == "---> Using cache":
            self._cached = True
        elif line.strip() and not line.startswith((" --->", "Removing intermediate", "Successfully ")):
            self._steps.output(self._current, line)
