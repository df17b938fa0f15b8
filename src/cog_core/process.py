"""The door to other programs: the only place that starts a process."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Protocol, cast

import attrs

from cog_core import families
from cog_core.errors import BackendError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_GRACE = 5.0
_GRACE_OF_OTHERS = 0.5
"""Seconds for what a program started, after it has ended itself."""
_POLL = 0.02
_REDACTED = "**********"


@attrs.frozen(kw_only=True)
class Command(Frozen):
    """A program to start, as a value.

    Attributes:
        argv: Program and arguments; no shell is involved.
        cwd: Working directory; None keeps ours.
        env: The whole environment; None passes ours on.
        stdin: Bytes to feed; None closes the input.
        secrets: Texts that must not appear when the command or its output is shown.
        timeout: Seconds until the program is stopped; None waits for ever.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    stdin: bytes | None = attrs.field(default=None, repr=False)
    secrets: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    timeout: float | None = None

    def redact(self, text: str) -> str:
        """Return the text with every secret of this command replaced by asterisks."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _REDACTED) if secret else text
        return text

    def __str__(self) -> str:
        """Return the command line as one would read it in a log, without secrets."""
        return self.redact(" ".join(self.argv))


@attrs.frozen(kw_only=True)
class Completed(Frozen):
    """What a program left behind.

    Attributes:
        code: Exit status; negative: the signal that ended it.
        stdout: All of standard output.
        stderr: All of standard error.
    """

    command: Command
    code: int
    stdout: str
    stderr: str

    def check(self) -> Completed:
        """Return self if the program succeeded.

        Raises:
            ProcessFailed: It did not.
        """
        if self.code:
            raise ProcessFailed(self)
        return self


class CommandNotFound(BackendError):
    """The program is not installed."""


class ProcessFailed(BackendError):
    """A program ended with an error; ``completed`` has its output."""

    def __init__(self, completed: Completed) -> None:
        tail = completed.command.redact((completed.stderr or completed.stdout).strip())
        lines = tail.splitlines()[-20:]
        name = completed.command.argv[0].rpartition("/")[2]
        super().__init__("\n".join([f"{name} ended with status {completed.code}", *lines]))
        self.completed = completed


class Runner(Protocol):
    """What code that needs a program takes as an argument."""

    def __call__(self, command: Command, *, on_line: Callable[[str, str], None] | None = None) -> Completed:
        """Run a command to its end.

        Args:
            command: What to run.
            on_line: Called with the stream's name (``stdout`` or ``stderr``) and each line as it comes.

        Raises:
            CommandNotFound: There is no such program.
        """
        ...


def run(command: Command, *, on_line: Callable[[str, str], None] | None = None) -> Completed:
    """Run a command to its end and return what it printed.

    An interrupt, or any other exception on the way, stops the program and everything it started before it
    goes on upwards.

    Raises:
        CommandNotFound: There is no such program.
        ProcessTimeout: It took longer than ``command.timeout``.
    """
    process = start(command, stdin=subprocess.PIPE if command.stdin is not None else subprocess.DEVNULL)
    try:
        if on_line is None:
            out, err = process.communicate(command.stdin, timeout=command.timeout)
        else:
            out, err = _follow(process, command, on_line)
    except subprocess.TimeoutExpired as error:
        stop(process)
        raise ProcessTimeout(f"{command.argv[0]} did not answer within {command.timeout:g} s") from error
    except BaseException:
        stop(process)
        raise
    return Completed(command=command, code=process.returncode, stdout=_text(out), stderr=_text(err))


def together(run: Runner, *commands: Command) -> list[Completed]:
    """Run commands at the same time and return what each printed, in their order: questions that mostly wait.

    Raises:
        BackendError: What the first of them raised that could not be run; the others have ended, too.
    """
    ended: dict[int, Completed | Exception] = {}

    def work(number: int, command: Command) -> None:
        try:
            ended[number] = run(command)
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            ended[number] = error

    # Daemons, as an interrupt must not wait for them. `concurrent.futures` would take longer to load than they run.
    threads = [threading.Thread(target=work, args=numbered, daemon=True) for numbered in enumerate(commands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = []
    for number in range(len(commands)):
        match ended[number]:
            case Exception() as error:
                raise error
            case completed:
                found.append(completed)
    return found


class ProcessTimeout(BackendError):
    """A program took longer than it was given."""


def start(
    command: Command,
    *,
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
    own_group: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a command and return at once; whoever calls must end it with :func:`stop`.

    Args:
        command: What to start; its ``stdin`` and ``timeout`` are not used here.
        stdin: As for ``subprocess.Popen``.
        stdout: As for ``subprocess.Popen``.
        stderr: As for ``subprocess.Popen``.
        pass_fds: Descriptors that the program inherits.
        own_group: Keep the terminal's Ctrl-C away from the program, so that we decide how it ends.

    Raises:
        CommandNotFound: There is no such program.
    """
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=None if command.env is None else dict(command.env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=own_group,
        )
    except FileNotFoundError as error:
        if error.filename is not None and command.cwd is not None and not command.cwd.is_dir():
            raise
        raise CommandNotFound(f"{command.argv[0]} is not installed") from error
    except PermissionError as error:
        raise CommandNotFound(f"{command.argv[0]} is not a program that may be started") from error


def stop(process: subprocess.Popen[bytes], *, grace: float = _GRACE) -> None:
    """End a program and all it started: first politely, after ``grace`` seconds for good.

    A program in our own group ends alone: the terminal tells the others.
    """
    if process.poll() is None:
        group = os.getpgid(process.pid) == process.pid
        family = families.descendants(process.pid) if group else {}
        _signal(process, signal.SIGTERM, group=group)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        if group:
            _wait_for_group(process.pid, min(grace, _GRACE_OF_OTHERS))
        _signal(process, signal.SIGKILL, group=group)
        process.wait()
        families.end(family)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _wait_for_group(group: int, seconds: float) -> None:
    """Return when no process of a group is left, or after some seconds."""
    pause = threading.Event()
    with contextlib.suppress(ProcessLookupError):
        for _ in range(round(seconds / _POLL)):
            os.killpg(group, 0)
            pause.wait(_POLL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _follow(
    process: subprocess.Popen[bytes], command: Command, on_line: Callable[[str, str], None]
) -> tuple[bytes, bytes]:
    """Feed and read at the same time, so that neither side waits for the other.

    Raises:
        TimeoutExpired: It took longer than ``command.timeout``.
    """
    buffers = {"stdout": bytearray(), "stderr": bytearray()}
    shown = dict.fromkeys(buffers, 0)
    unsent = memoryview(command.stdin or b"")
    with selectors.DefaultSelector() as selector, _timer(command) as wait:
        for name in buffers:
            selector.register(getattr(process, name), selectors.EVENT_READ, name)
        if process.stdin is not None:
            selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")
        while selector.get_map():
            for key, _ in selector.select(wait()):
                if key.data == "stdin":
                    unsent = _feed(key.fd, unsent)
                    finished = not unsent
                else:
                    chunk = os.read(key.fd, 65536)
                    finished = not chunk
                    buffers[key.data] += chunk
                    shown[key.data] = _emit_lines(
                        key.data, buffers[key.data], shown[key.data], command, on_line, at_end=finished
                    )
                if finished:
                    selector.unregister(key.fileobj)
                    cast("IO[bytes]", key.fileobj).close()
        while process.poll() is None:
            pause = wait()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(pause)
    return bytes(buffers["stdout"]), bytes(buffers["stderr"])


@contextlib.contextmanager
def _timer(command: Command) -> Iterator[Callable[[], float | None]]:
    """Give a function that says how long to wait at most before asking it again, and raises when time is over."""
    if command.timeout is None:
        yield lambda: None
        return
    late = threading.Event()
    timer = threading.Timer(command.timeout, late.set)
    timer.daemon = True

    def pause() -> float:
        if late.is_set():
            raise subprocess.TimeoutExpired(command.argv, command.timeout or 0)
        return _POLL

    timer.start()
    try:
        yield pause
    finally:
        timer.cancel()


def _feed(pipe: int, data: memoryview) -> memoryview:
    """Write what a pipe surely takes without waiting (POSIX, ``PIPE_BUF``) and return the rest."""
    try:
        return data[os.write(pipe, data[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return data[:0]  # the program does not want more


def _emit_lines(
    name: str,
    buffer: bytearray,
    start_at: int,
    command: Command,
    on_line: Callable[[str, str], None],
    *,
    at_end: bool,
) -> int:
    while (end := buffer.find(b"\n", start_at)) >= 0:
        on_line(name, command.redact(_text(buffer[start_at:end])))
        start_at = end + 1
    if at_end and start_at < len(buffer):
        on_line(name, command.redact(_text(buffer[start_at:])))
        start_at = len(buffer)
    return start_at


def _text(data: bytes | bytearray | None) -> str:
    return bytes(data or b"").decode("utf-8", "replace")
