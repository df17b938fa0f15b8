"""What buildah prints during a build, as events: ``STEP 3/9: RUN ...``, output, ``--> Using cache``, an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cog_core.buildkit_progress import Steps
from cog_core.engine_advice import registry_advice
from cog_core.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cog_core.events import Emit
    from cog_core.ir.dockerfile import Instruction

_STEP = re.compile(r"^(?:\[\d+/\d+\] )?STEP (\d+)/(\d+): (.*)$")
_MADE = re.compile(r"^--> ([0-9a-f]{11,64})$")
_IMAGE_ID = re.compile(r"^[0-9a-f]{64}$")
_STATUS = re.compile(r"exit status (\d+)\s*$")
_FAILED: Final = "Error: building at STEP "
_COMMIT: Final = "commit"
_DOING: Final = re.compile(
    r"^(?:creating build container: |unable to copy from source \S+ |initializing source \S+ "
    r"|pinging container registry \S+ )+"
)
"""What podman and buildah were doing, in front of why it failed."""


class BuildProgress:
    """Follows one build.

    Attributes:
        image_id: The finished image, without ``sha256:``; empty until there is one.
        made: Images of steps that this build made and did not find in the cache, oldest first.
        seen: Images of all steps, also those from the cache.
    """

    def __init__(self, instructions: tuple[Instruction, ...], emit: Emit, secrets: Iterable[bytes] = ()) -> None:
        self._steps = Steps((), emit, secrets)
        self._instructions = instructions
        self._number = 0
        self._total = ""
        self._key = ""
        self._cached = False
        self._failed = False
        self._text = ""
        self._failure: BuildFailed | None = None
        self.image_id = ""
        self.made: list[str] = []
        self.seen: list[str] = []

    def feed(self, stream: str, line: str) -> None:
        """Take one line of standard output or standard error."""
        if stream == "stderr":
            # A base runs no command, so an error there is the builder's.
            self._failed = self._failed or line.startswith("Error: " if self._number == 1 else _FAILED)
            if not self._failed:
                self._steps.output(self._key, line)
        elif (step := _STEP.match(line)) and self._is_next(step[1], step[2]):
            self._start(int(step[1]), step[2], step[3])
        elif line.startswith("--> Using cache "):
            self._cached = True
        elif made := _MADE.match(line):
            self.seen.append(made[1])
            if not self._cached and self._key != _COMMIT:
                self.made.append(made[1])
        elif line.startswith("COMMIT") and self._total == str(self._number):
            self._finish()
            self._key, self._cached = _COMMIT, False
            self._steps.start(_COMMIT, line)
        elif _IMAGE_ID.match(line) and (self._key == _COMMIT or self._is_found):
            self.image_id = line
        elif self._key != _COMMIT:
            self._steps.output(self._key, line)

    def end(self, code: int, stderr: str) -> None:
        """Note how the build ended; afterwards :attr:`failure` is known."""
        if code == 0:
            self._finish()
            return
        reason = _reason(stderr)
        status = _STATUS.search(reason)
        if self._number == 1:
            self._steps.finish(self._key, error="the base image cannot be had")
            self._failure = _without_base(self._text.partition(" ")[2], reason)
        else:
            self._steps.finish(self._key, error=f"exit code: {status[1]}" if status else reason)
            self._failure = self._steps.failure() or BuildFailed(f"the build failed: {reason}")
        self._failure.hint = advice(reason) or self._failure.hint

    @property
    def failure(self) -> BuildFailed | None:
        """The error of the step that failed, if one did."""
        return self._failure

    @property
    def _is_found(self) -> bool:
        """Whether the last step came from the cache: an image without a name is then not committed again."""
        return self._cached and self._total == str(self._number)

    def _is_next(self, number: str, total: str) -> bool:
        """Whether this is the builder's line: a command could print one that looks the same."""
        return int(number) == self._number + 1 and self._total in {"", total}

    def _start(self, number: int, total: str, text: str) -> None:
        self._finish()
        self._number, self._total, self._text = number, total, text
        self._key, self._cached = str(number), False
        origin = self._instructions[number - 1].origin if number <= len(self._instructions) else None
        self._steps.start(self._key, text, origin)

    def _finish(self) -> None:
        self._steps.finish(self._key, cached=self._cached)


def advice(reason: str) -> str | None:
    """Return what to do about the commonest complaints of podman and buildah."""
    return next((hint for sign, hint in _ADVICE if sign in reason.lower()), None)


_ADVICE = (
    ("no space left on device", "Free space with `podman system prune`, or use --backend oci."),
    ("address already in use", "Choose another port with -p."),
    ("port is already allocated", "Choose another port with -p."),
    ("cgroup", 'Set runtime = "runc" under [engine] in containers.conf, or use --backend oci.'),
    (
        "rlimit",
        'Set default_ulimits = ["nofile=1024:1024"] under [containers] in containers.conf, or use --backend oci.',
    ),
    (
        "x509",
        "The registry's certificate is not trusted; put its CA into /etc/containers/certs.d/HOST/ca.crt.",
    ),
    ("unauthorized", "Log in with `cog login` or `podman login`."),
    ("denied", "Log in with `cog login` or `podman login`; check that you may write there."),
)


def _without_base(reference: str, reason: str) -> BuildFailed:
    return BuildFailed(
        f"the base image {reference} cannot be had: {reason}",
        hint=registry_advice(reason)
        or "Let podman reach its registry, name a base that it has (--base-image), or use --backend oci.",
    )


def _reason(stderr: str) -> str:
    """Return the error that ends buildah's output, without the instruction that it repeats."""
    _, found, last = f"\n{stderr.strip()}".rpartition("\nError: ")
    text = last if found else next(reversed(last.splitlines()), "")
    if text.startswith("building at STEP "):
        text = text.rpartition('": ')[2]
    return bare(text.strip()) or "the builder gave no reason"


def bare(reason: str) -> str:
    """Return a reason without what it did when it failed, which names the image or its registry again each time."""
    return _DOING.sub("", reason)
