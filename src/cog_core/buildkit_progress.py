"""What BuildKit says about a build, as events: its steps, and its progress as JSON lines."""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from cog_core import clock
from cog_core.engine_advice import FOREIGN_PROGRAMS, registry_advice
from cog_core.errors import BuildFailed
from cog_core.events import StepFailed, StepFinished, StepOutput, StepProgress, StepStarted
from cog_core.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_core.errors import Origin
    from cog_core.events import Emit
    from cog_core.ir.dockerfile import Instruction

_TAIL: Final = 40
"""Lines of a failed step that its error carries."""
_POSITION = re.compile(r"^\[(?:\S+ )?(\d+)/\d+\] ")
_BASE = re.compile(r"(?:\[internal\] load metadata for |(?:\[[^]]*\] )?FROM )(\S+)")
"""Where a base image is looked for, or taken."""
_ADVICE: Final = (
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "self-signed certificate"),
        "If the network has a certificate authority of its own, set COG_CA_CERT to its PEM file.",
    ),
    (("exec format error",), FOREIGN_PROGRAMS),
    (
        ("no space left on device", "No space left on device"),
        "Make room on the disk of the builder's machine: `docker system prune` or `buildctl prune`.",
    ),
)
_EXIT_STATUS = re.compile(r"(?:exit code|returned a non-zero code): (\d+)")


class Progress(Protocol):
    """Takes what a builder says and tells it as events."""

    def feed(self, line: str) -> None:
        """Take one line of the builder's output."""
        ...

    def failure(self) -> BuildFailed | None:
        """Return the error of the step that failed, if one did."""
        ...


@attrs.define
class _Vertex:
    """A step as the builder knows it."""

    id: str
    name: str
    origin: Origin | None
    started: float
    tail: deque[str] = attrs.field(factory=lambda: deque(maxlen=_TAIL))
    error: str = ""
    done: bool = False


class Steps:
    """The steps of one build, by the builder's own names for them."""

    def __init__(self, instructions: tuple[Instruction, ...], emit: Emit, secrets: Iterable[bytes] = ()) -> None:
        """Take what is built, and what must not be heard of it."""
        self._redacted = Redaction.of(secrets)
        self._counted = [instruction for instruction in instructions if instruction.makes_vertex]
        self._emit = emit
        self._vertices: dict[str, _Vertex] = {}

    def start(self, key: str, name: str, origin: Origin | None = None) -> _Vertex:
        """Note that a step began, unless that is known."""
        if key not in self._vertices:
            origin = origin or self._origin(name)
            self._vertices[key] = _Vertex(key, name, origin, clock.monotonic())
            self._emit(StepStarted(id=key, name=name, origin=origin))
        return self._vertices[key]

    def output(self, key: str, line: str) -> None:
        """Note a line that a step printed."""
        if vertex := self._vertices.get(key):
            line = self._redacted(line)
            vertex.tail.append(line)
            self._emit(StepOutput(id=key, line=line))

    def progress(self, key: str, what: str, done: int, total: int | None) -> None:
        """Note how far a step is, in bytes."""
        if key in self._vertices:
            self._emit(StepProgress(id=key, what=what, done=done, total=total or None))

    def finish(self, key: str, *, cached: bool = False, error: str = "", seconds: float | None = None) -> None:
        """Note that a step ended."""
        vertex = self._vertices.get(key)
        if vertex is None or vertex.done:
            return
        error = self._redacted(error)
        vertex.done, vertex.error = True, error
        if error:
            self._emit(StepFailed(id=key, message=error))
        else:
            took = clock.monotonic() - vertex.started if seconds is None else seconds
            self._emit(StepFinished(id=key, seconds=took, cached=cached))

    def failure(self) -> BuildFailed | None:
        """Return the error of the first step that failed by itself."""
        for vertex in self._vertices.values():
            if vertex.error and "context canceled" not in vertex.error:
                return _build_failed(vertex)
        return None

    def _origin(self, name: str) -> Origin | None:
        """Find the instruction by its number: BuildKit numbers those that make a layer or a base."""
        position = _POSITION.match(name)
        number = int(position.group(1)) - 1 if position else -1
        return self._counted[number].origin if 0 <= number < len(self._counted) else None


OTHER_BASE: Final = "Let the engine reach its registry, name a base that it has (--base-image), or use --backend oci."


def _build_failed(vertex: _Vertex) -> BuildFailed:
    if base := _BASE.match(vertex.name):
        return BuildFailed(
            f"the base image {base.group(1)} cannot be had: {vertex.error}",
            hint=registry_advice(vertex.error) or OTHER_BASE,
        )
    status = _EXIT_STATUS.search(vertex.error)
    name = _POSITION.sub("", vertex.name)
    first = name.splitlines()[0] if name else vertex.name
    reason = f"ended with exit status {status.group(1)}" if status else f"failed: {vertex.error}"
    return BuildFailed(
        f"{first[:200]!r} {reason}",
        origin=vertex.origin,
        output=tuple(vertex.tail),
        exit_status=int(status.group(1)) if status else None,
        hint=_hint((*vertex.tail, vertex.error)),
    )


def _hint(lines: Iterable[str]) -> str | None:
    """Return advice for the commonest reasons that a command cannot do its work."""
    text = "\n".join(lines)
    return next((hint for signs, hint in _ADVICE if any(sign in text for sign in signs)), None)


class RawJson:
    """``--progress rawjson`` of buildx and buildctl: a ``SolveStatus`` a line (moby/buildkit, client/graph.go)."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._partial: dict[str, str] = {}

    def feed(self, line: str) -> None:
        """Take one JSON line; anything else is ignored."""
        try:
            status = json.loads(line)
        except ValueError:
            return
        if isinstance(status, dict):
            self._status(status)

    def _status(self, status: dict[str, Any]) -> None:
        for vertex in status.get("vertexes") or ():
            self._vertex(vertex)
        for item in status.get("statuses") or ():
            self._steps.progress(item["vertex"], item.get("id", ""), item.get("current", 0), item.get("total"))
        for log in status.get("logs") or ():
            self._log(log["vertex"], base64.b64decode(log.get("data") or ""))

    def failure(self) -> BuildFailed | None:
        """Return the error of the step that failed, if one did."""
        return self._steps.failure()

    def _vertex(self, vertex: dict[str, Any]) -> None:
        key = vertex["digest"]
        if vertex.get("started") or vertex.get("cached"):
            self._steps.start(key, vertex.get("name", key))
        if vertex.get("completed"):
            self._log(key, b"", end=True)
            self._steps.finish(key, cached=bool(vertex.get("cached")), error=vertex.get("error", ""))

    def _log(self, key: str, data: bytes, *, end: bool = False) -> None:
        text = self._partial.pop(key, "") + data.decode("utf-8", "replace")
        *lines, rest = text.split("\n")
        if end and rest:
            lines.append(rest)
        elif rest:
            self._partial[key] = rest
        for line in lines:
            self._steps.output(key, line.rstrip("\r"))
