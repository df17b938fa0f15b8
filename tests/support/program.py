"""The program ``cog`` as a user has it: a process of its own, with what it prints kept apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARGV = (str(Path(sys.executable).with_name("cog")),)


@attrs.frozen(kw_only=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@attrs.define
class Running:
    """A command that goes on; what it prints on standard error is collected."""

    process: subprocess.Popen[str]
    lines: list[str] = attrs.field(factory=list)
    reader: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin to read."""
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr or ()), daemon=True)
        self.reader.start()

    def wait_for(self, text: str, seconds: float = 120) -> str:
        """Return the first line that holds a text."""
        deadline = time.monotonic() + seconds
        ended = False
        while time.monotonic() < deadline and not ended:
            ended = self.process.poll() is not None
            if ended:
                self.reader.join(5)  # what it said last is perhaps not read yet
            for line in self.lines:
                if text in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"{text!r} did not appear in:\n" + "".join(self.lines))

    def end(self, number: int = signal.SIGINT, seconds: float = 30) -> int:
        """Send a signal as a terminal does, to the whole group, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(seconds)


@attrs.frozen
class Program:
    """Calls ``cog`` in a folder.

    Attributes:
        cwd: Where it is called.
        options: Given to every command that builds or runs.
    """

    cwd: Path
    options: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()

    def __call__(self, verb: str, *words: str | Path, stdin: str | None = None, seconds: float = 300) -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            [*_ARGV, verb, *self._options(verb), *map(str, words)],
            cwd=self.cwd,
            env={**os.environ, **dict(self.environ)},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def well(self, verb: str, *words: str | Path, **extra: str) -> Done:
        """Run a command that has to end well."""
        done = self(verb, *words, **extra)
        assert done.code == 0, f"cog {verb} {words} ended with {done.code}:\n{done.err}{done.out}"
        return done

    @contextmanager
    def start(self, verb: str, *words: str | Path) -> Iterator[Running]:
        """Start a command in a process group of its own; it is killed in the end if it still runs."""
        with subprocess.Popen(
            [*_ARGV, verb, *self._options(verb), *map(str, words)],
            cwd=self.cwd,
            env={**os.environ, **dict(self.environ)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            running = Running(process)
            try:
                yield running
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                running.reader.join(5)

    def within(self, folder: Path, **environ: str) -> Program:
        """Return the same program, called in another folder."""
        return attrs.evolve(self, cwd=folder, environ=(*self.environ, *environ.items()))

    def _options(self, verb: str) -> tuple[str, ...]:
        return self.options if verb in {"build", "push", "run", "predict", "serve", "exec"} else ()
